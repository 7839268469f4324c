#include <weft/context/stack.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include <doctest/doctest.h>

#include <weft/base/errors.h>

#include "../child.h"
#include "puppet.h"

using namespace weft;
using detail::acquire_stack, detail::quarantine_stack, detail::release_stack, detail::Stack;
using detail::used_size;

TEST_SUITE_BEGIN("stack");

namespace {

int signal_of_writing_to(std::byte* place) {
  return run_in_child([place] { *const_cast<volatile std::byte*>(place) = std::byte(1); }).signal;
}

void check_guard(const StackOptions& options) {
  const Stack stack = acquire_stack(options);
  CHECK(signal_of_writing_to(stack.bottom) == 0);
  CHECK(signal_of_writing_to(stack.bottom - 1) == SIGSEGV);
  CHECK(signal_of_writing_to(stack.bottom - options.guard) == SIGSEGV);
  release_stack(stack);
}

void check_guards() {
  check_guard({});
  check_guard({512 * 1024, 128 * 1024});
  check_guard({256 * 1024, 4096});
}

/// From the bottom to the end of the slot: tops are staggered within a page.
std::size_t room_of(const Stack& stack) {
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  return (stack.size() + page - 1) / page * page;
}

std::vector<Stack> acquire_many(std::size_t count, const StackOptions& options = {}) {
  std::vector<Stack> stacks;
  for (std::size_t i = 0; i < count; ++i) stacks.push_back(acquire_stack(options));
  return stacks;
}

void release_all(const std::vector<Stack>& stacks) {
  for (const Stack& stack : stacks) release_stack(stack);
}

}  // namespace

TEST_CASE("the pool is last in, first out") {
  const Stack first = acquire_stack();
  const Stack second = acquire_stack();
  release_stack(first);
  release_stack(second);
  const Stack warmest = acquire_stack();
  const Stack next = acquire_stack();
  CHECK(warmest.bottom == second.bottom);
  CHECK(next.bottom == first.bottom);
  release_stack(warmest);
  release_stack(next);
}

TEST_CASE("statistics tell what is in use and what is pooled") {
  release_stack(acquire_stack());
  const StackStatistics before = stack_statistics();
  const Stack stack = acquire_stack();
  CHECK(stack_statistics().in_use == before.in_use + 1);
  CHECK(stack_statistics().pooled == before.pooled - 1);
  release_stack(stack);
  CHECK(stack_statistics().in_use == before.in_use);
  CHECK(stack_statistics().pooled == before.pooled);
}

TEST_CASE("the high-water mark stays when stacks go back") {
  const std::vector<Stack> stacks = acquire_many(100);
  const std::size_t in_use = stack_statistics().in_use;
  release_all(stacks);
  CHECK(stack_statistics().high_water >= in_use);
  CHECK(in_use >= 100);
}

TEST_CASE("a quarantined stack is never given again") {
  const StackStatistics before = stack_statistics();
  const Stack abandoned = acquire_stack();
  quarantine_stack(abandoned);
  CHECK(stack_statistics().quarantined == before.quarantined + 1);
  CHECK(stack_statistics().in_use == before.in_use);
  const std::vector<Stack> stacks = acquire_many(200);
  CHECK(std::ranges::none_of(stacks, [&](auto& s) { return s.bottom == abandoned.bottom; }));
  release_all(stacks);
}

TEST_CASE("a size that is too small is named") {
  CHECK_THROWS_WITH_AS(acquire_stack({80 * 1024 - 4096}),
                       "size: a stack needs at least 81920 bytes, not 77824", ValueError);
  release_stack(acquire_stack({80 * 1024}));
}

TEST_CASE("a size must leave room above the guard, whatever that is") {
  CHECK_THROWS_WITH_AS(acquire_stack({256 * 1024, 256 * 1024}),
                       "size: a stack needs at least 278528 bytes, not 262144", ValueError);
  release_stack(acquire_stack({272 * 1024, 256 * 1024}));
  release_stack(acquire_stack({std::size_t(sysconf(_SC_PAGESIZE)) + 16 * 1024, 1}));
}

TEST_CASE("a guard that is none is named") {
  CHECK_THROWS_WITH_AS(acquire_stack({256 * 1024, 0}),
                       "guard: 0 bytes are none, and a stack without one would run into the next",
                       ValueError);
}

TEST_CASE("sizes that do not fit into the address space are named") {
  CHECK_THROWS_WITH_AS(acquire_stack({SIZE_MAX}),
                       "size: a stack has at most 144115188075855871 bytes, not "
                       "18446744073709551615",
                       ValueError);
  CHECK_THROWS_WITH_AS(acquire_stack({256 * 1024, SIZE_MAX}),
                       "guard: a stack has at most 144115188075855871 bytes, not "
                       "18446744073709551615",
                       ValueError);
}

TEST_CASE("a size is rounded up to whole pages, and sizes do not mix") {
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  const Stack odd = acquire_stack({80 * 1024 + 1});
  CHECK(room_of(odd) == 16 * 1024 + page);
  release_stack(odd);
  const Stack larger = acquire_stack({1024 * 1024});
  CHECK(room_of(larger) == 960 * 1024);
  CHECK(larger.bottom != odd.bottom);
  CHECK(larger.size() > 900 * 1024);
  release_stack(larger);
}

TEST_CASE("a stack can be written from bottom to top, with all its neighbours") {
  const std::vector<Stack> stacks = acquire_many(3, {80 * 1024});
  for (const Stack& stack : stacks) std::memset(stack.bottom, 0x5a, stack.size());
  for (const Stack& stack : stacks) CHECK(stack.top[-1] == std::byte(0x5a));
  release_all(stacks);
}

TEST_CASE("tops are aligned to cache lines, and staggered") {
  const std::vector<Stack> stacks = acquire_many(32);
  std::set<std::uintptr_t> offsets;
  for (const Stack& stack : stacks) {
    const auto top = reinterpret_cast<std::uintptr_t>(stack.top);
    CHECK(top % 64 == 0);
    offsets.insert(top % 4096);
  }
  CHECK(offsets.size() == 16);
  release_all(stacks);
}

TEST_CASE("used_size() tells how deep a stack has been written") {
  const Stack stack = acquire_stack({2 * 1024 * 1024});  // a size that no other case uses
  CHECK(used_size(stack) == 0);
  stack.top[-100'000] = std::byte(1);
  CHECK(used_size(stack) >= 100'000);
  CHECK(used_size(stack) < 110'000);
  release_stack(stack);
}

TEST_CASE("when very many stacks lie idle, the coldest give their memory back") {
  const StackOptions own_shelf{144 * 1024};
  const std::vector<Stack> stacks = acquire_many(1500, own_shelf);
  for (const Stack& stack : stacks) stack.top[-1] = std::byte(1);
  release_all(stacks);
  const std::vector<Stack> again = acquire_many(1500, own_shelf);
  const auto warm = std::ranges::count_if(again, [](auto& s) { return used_size(s) > 0; });
  CHECK(warm >= 500);
  CHECK(warm <= 1024);
  CHECK(again.front().bottom == stacks.back().bottom);
  CHECK(used_size(again.front()) > 0);
  CHECK(used_size(again.back()) == 0);
  release_all(again);
}

TEST_CASE("a stack that is released twice: in a process of its own" * doctest::skip()) {
  const Stack stack = acquire_stack();
  release_stack(stack);
  release_stack(stack);
}

TEST_CASE("a stack that is released twice kills the process, with a message") {
  if (under_checker()) return;  // they have been told of the stack's end twice, too
  const Ending ending = run_case("WEFT_DEBUG=0", "a stack that is released twice: in*");
  CHECK(ending.signal == SIGABRT);
  CHECK(ending.errors.find("\"a stack is released twice\"") != std::string::npos);
}

TEST_CASE("the running stack is released: in a process of its own" * doctest::skip()) {
  Puppet puppet([](Puppet& self) { release_stack(self.stack()); });
  puppet.resume();
}

TEST_CASE("to release the running stack kills the process, with a message") {
  if (under_checker()) return;
  const Ending ending = run_case("WEFT_DEBUG=0", "the running stack is released: in*");
  CHECK(ending.signal == SIGABRT);
  CHECK(ending.errors.find("\"a stack is released that is running\"") != std::string::npos);
}

TEST_CASE("deepest_stack_use() is that of the deepest stack, also when it is free again") {
  if (under_checker()) return;  // they write elsewhere on stacks, too
  constexpr std::size_t kDepth = 3 * 1024 * 1024;
  CHECK(deepest_stack_use() < kDepth);
  const Stack stack = acquire_stack({4 * 1024 * 1024});
  stack.top[-long(kDepth)] = std::byte(1);
  release_stack(stack);
  CHECK(deepest_stack_use() >= kDepth);
  CHECK(deepest_stack_use() < kDepth + 64 * 1024);
}

TEST_CASE("each thread has its own pool") {
  const Stack mine = acquire_stack();
  StackStatistics there;
  std::byte* other = nullptr;
  std::thread([&] {
    const Stack stack = acquire_stack();
    other = stack.bottom;
    there = stack_statistics();
    release_stack(stack);
  }).join();
  CHECK(there.in_use == 1);
  CHECK(other != mine.bottom);
  release_stack(mine);
}

TEST_CASE("a stack of a static object: in a process of its own" * doctest::skip()) {
  struct Late {
    Stack stack = acquire_stack();
    ~Late() { release_stack(stack); }
  };
  static Late late;
  CHECK(stack_statistics().in_use == 1);
}

TEST_CASE("static objects may keep stacks until the program ends") {
  CHECK(passes_with("WEFT_DEBUG=0", "a stack of a static object: in a process*"));
}

TEST_CASE("writing below a stack kills the process") {
  if (!under_checker()) check_guards();
}

TEST_CASE("guards made by mprotect: in a process of its own" * doctest::skip()) {
  REQUIRE(guard_kind() == GuardKind::Mprotect);
  if (!under_checker()) check_guards();
}

TEST_CASE("WEFT_STACK_GUARD=mprotect forces guards that work anywhere") {
  CHECK(passes_with("WEFT_STACK_GUARD=mprotect", "guards made by mprotect: in a process*"));
}

TEST_CASE("running out of mappings: in a process of its own" * doctest::skip()) {
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  std::string error;
  std::vector<Stack> stacks;
  try {
    while (stacks.size() < limit) stacks.push_back(acquire_stack({80 * 1024}));
  } catch (const std::system_error& e) {
    error = e.what();
  }
  CHECK(error.find("vm.max_map_count") != std::string::npos);
  release_all(stacks);  // what was had is still good
}

TEST_CASE("the lack of mappings for guards is an error that names vm.max_map_count") {
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit == 0 || limit > 100'000 || under_checker()) return;
  CHECK(passes_with("WEFT_STACK_GUARD=mprotect", "running out of mappings: in a process*"));
}

TEST_CASE("the lack of address space is an error that names mmap") {
  if (under_checker()) return;
  const Ending ending = run_in_child([] {
    const rlimit none{1, 1};
    setrlimit(RLIMIT_AS, &none);
    try {
      acquire_stack({16 * 1024 * 1024});
    } catch (const std::system_error& e) {
      _exit(std::string(e.what()).starts_with("mmap") ? 7 : 8);
    }
  });
  CHECK(ending.status == 7);
}

TEST_SUITE_END();
