// The stacks of tasks: how large, from when to when, and what happens when they do not suffice.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/context/stack.h>
#include <weft/task/future.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../child.h"
#include "checks.h"

using namespace weft;
using testing::settle;

TEST_SUITE_BEGIN("stacks of tasks");

namespace {

constexpr std::size_t kDepth = 100;  // of calls, a KiB each

/// Uses about `depth` KiB of stack.
[[gnu::noinline]] int descend(std::size_t depth) {
  volatile char frame[1024];
  frame[0] = char(depth);
  const int below = depth == 0 ? 0 : descend(depth - 1);
  asm volatile("" : : "r"(frame) : "memory");  // or clang makes a loop of one byte of it
  return below + frame[0];
}

std::size_t page_size() { return std::size_t(sysconf(_SC_PAGESIZE)); }

std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

}  // namespace

// ---- from when to when

TEST_CASE("a task has no stack before its first step") {
  testing::run([] {
    const std::size_t before = stack_statistics().in_use;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 100; ++i) tasks.push_back(create_task([] { yield_now(); }));
    CHECK(stack_statistics().in_use == before);
    CHECK(AnyTask(tasks[0]).stack_used() == 0);
    yield_now();
    CHECK(stack_statistics().in_use == before + 100);
    settle();
    CHECK(stack_statistics().in_use == before);
    CHECK(AnyTask(tasks[0]).stack_used() == 0);
  });
}

TEST_CASE("a task that is cancelled before its first step never takes a stack") {
  testing::run([] {
    const StackStatistics before = stack_statistics();
    bool ran = false;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 1000; ++i) tasks.push_back(create_task([&] { ran = true; }));
    for (const Task<>& task : tasks) task.cancel();
    settle();
    CHECK_FALSE(ran);
    CHECK(stack_statistics().high_water == before.high_water);
  });
}

// ---- how large

TEST_CASE("a task may ask for more stack, and use it") {
  testing::run([] {
    const auto deep = create_task({.stack = {.size = 8 * 1024 * 1024}}, descend, 3500);
    CHECK(deep.await() != 1);
  });
}

TEST_CASE("stack_used() tells how deep a task's stack has been used") {
  testing::run([] {
    const Future<> gate, second;
    const StackOptions own_shelf{.size = 3 * 1024 * 1024, .guard = 8192};
    const auto task = create_task({.stack = own_shelf}, [&] {
      gate.await();
      descend(kDepth);
      second.await();
    });
    settle();
    const std::size_t shallow = AnyTask(task).stack_used();
    CHECK(shallow >= page_size());
    gate.set_result();
    settle();
    const std::size_t deep = AnyTask(task).stack_used();
    CHECK(deep >= shallow + kDepth * 1024 - page_size());
    CHECK(deep < 1024 * 1024);
    CHECK(deepest_stack_use() >= deep);
    second.set_result();
    settle();
  });
}

TEST_CASE("a stack whose size or guard is wrong is refused before there is a task") {
  testing::run([] {
    bool called = false;
    const auto body = [&] { called = true; };
    CHECK(error_of([&] { create_task({.stack = {.size = 4096}}, body); }) ==
          "ValueError('size: a stack needs at least 81920 bytes, not 4096')");
    CHECK(error_of([&] { create_task({.stack = {.guard = 0}}, body); }) ==
          "ValueError('guard: 0 bytes are none, and a stack without one would run into the next')");
    CHECK(all_tasks().size() == 1);
    settle();
    CHECK_FALSE(called);
  });
}

TEST_CASE("a coroutine object keeps the stack that it asked for, unless the task asks for one") {
  testing::run([] {
    const auto room = [](const StackOptions& own, const StackOptions& of_task) {
      Coroutine<> body([] { descend(1000); });
      body.set_stack(own);
      create_task({.stack = of_task}, std::move(body)).await();
    };
    room({.size = 2 * 1024 * 1024}, {});
    room({}, {.size = 2 * 1024 * 1024});  // either would overflow without
  });
}

TEST_CASE("a coroutine or generator that has started keeps its stack") {
  testing::run([] {
    Coroutine<> body([] { trap(std::nullopt); });
    body.send();
    const StackOptions larger{.size = 1024 * 1024};
    CHECK(error_of([&] { body.set_stack(larger); }) ==
          "RuntimeError('set_stack: the coroutine has started')");
    CHECK(error_of([&] { create_task({.stack = larger}, std::move(body)); }) ==
          "RuntimeError('set_stack: the coroutine has started')");
    body.close();
    Generator<int> numbers([](auto& self) { self.yield(1); });
    CHECK(error_of([&] { numbers.set_stack({.guard = 0}); }).starts_with("ValueError('guard:"));
    numbers.set_stack(larger);
    numbers.next();
    CHECK(error_of([&] { numbers.set_stack(larger); }) ==
          "RuntimeError('set_stack: the generator has started')");
  });
}

// ---- very many

TEST_CASE("a parked task takes one page, its own record included") {
  if (under_checker()) return;
  const StackOptions own_shelf{.size = 260 * 1024};
  testing::run([&] {
    const Future<> gate;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 32; ++i)  // all places that a top can have within its page
      tasks.push_back(create_task({.stack = own_shelf}, [&gate, i, more = std::string("x")] {
        gate.await();
        CHECK(more.size() + std::size_t(i) > 0);
      }));
    settle();
    for (const Task<>& task : tasks) CHECK(AnyTask(task).stack_used() == page_size());
    gate.set_result();
    settle();
  });
}

TEST_CASE("twenty thousand parked tasks need few mappings") {
  if (guard_kind() != GuardKind::Light || under_checker()) return;
  testing::run([] {
    constexpr int kTasks = 20'000;
    const std::size_t before = mappings();
    const std::size_t in_use = stack_statistics().in_use;
    const Future<> gate;
    int woken = 0;
    for (int i = 0; i < kTasks; ++i)
      create_task([&] {
        gate.await();
        ++woken;
      });
    settle();
    CHECK(stack_statistics().in_use == in_use + kTasks);
    CHECK(mappings() < before + 40);
    gate.set_result();
    settle();
    CHECK(woken == kTasks);
  });
}

TEST_CASE("stacks until the mappings run out: in a process of its own" * doctest::skip()) {
  REQUIRE(guard_kind() == GuardKind::Mprotect);
  testing::run([] {
    constexpr std::size_t kCertain = 30'000;
    constexpr std::size_t kTasks = 40'000;
    const Future<> gate;
    std::size_t parked = 0, woken = 0;
    std::vector<Task<>> tasks;
    for (std::size_t i = 0; i < kTasks; ++i)
      tasks.push_back(create_task([&] {
        ++parked;
        gate.await();
        ++woken;
      }));
    settle();
    CHECK(parked >= kCertain);
    CHECK(parked < kTasks);
    gate.set_result();
    settle();
    CHECK(woken == parked);
    std::size_t failed = 0;
    for (const Task<>& task : tasks)
      if (task.exception()) {
        ++failed;
        CHECK(describe(task.exception()).find("vm.max_map_count") != std::string::npos);
      }
    CHECK(failed == kTasks - parked);
    CHECK(create_task([] { return 7; }).await() == 7);  // a stack that is free again
  });
}

TEST_CASE("where mappings run out, a task gets the error that names them, and the others go on") {
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit < 62'000 || limit > 78'000 || under_checker()) return;
  CHECK(passes_with("WEFT_STACK_GUARD=mprotect", "stacks until the mappings run out*"));
}

// ---- overflow

namespace {

/// Overflows in one of thousands of tasks, in a thread that is not the first one.
template <class F>
void overflow_among_many(F overflow) {
  std::thread([&] {
    weft::run([&] {
      const Future<> gate;
      for (int i = 0; i < 3000; ++i) create_task([&] { gate.await(); });
      create_task({.name = "crawler"}, [&] {
        gate.await();
        overflow();
      });
      for (int i = 0; i < 3000; ++i) create_task([&] { gate.await(); });
      yield_now();
      gate.set_result();
      yield_now();
    });
  }).join();
}

/// Its frame is larger than a page, and touches only its far end.
template <std::size_t kSize>
[[gnu::noinline]] int jump(std::size_t depth) {
  volatile char frame[kSize];
  frame[0] = char(depth);
  const int below = depth == 0 ? 0 : jump<kSize>(depth - 1);
  asm volatile("" : : "r"(frame) : "memory");  // or clang makes a loop of one byte of it
  return below + frame[0];
}

void check_overflow(const char* setting, const char* name) {
  const Ending ending = run_case(setting, name);
  CHECK(ending.signal == SIGSEGV);
  INFO(ending.errors);
  CHECK(ending.errors.starts_with("weft: stack overflow in task 'crawler', created at "));
  CHECK(ending.errors.find("task_stack_test.cpp:") != std::string::npos);
  CHECK(ending.errors.ends_with(
      ": its stack has 196608 bytes (StackOptions::size 262144, of which 65536 are guard). To "
      "raise it: create_task({.stack = {.size = BYTES}}, ...).\n"));
}

void check_overflow(const char* name) {
  if (under_checker()) return;  // they have words of their own for it
  check_overflow("WEFT_STACK_GUARD=light", name);
  check_overflow("WEFT_STACK_GUARD=mprotect", name);
}

}  // namespace

TEST_CASE("small frames that overflow: in a process of its own" * doctest::skip()) {
  overflow_among_many([] { descend(1'000'000); });
}

TEST_CASE("an overflow among thousands of tasks names the task, and how to raise its stack") {
  check_overflow("small frames that overflow: in*");
}

TEST_CASE("frames of several pages that overflow: in a process of its own" * doctest::skip()) {
  overflow_among_many([] { jump<20'000>(1'000'000); });
}

TEST_CASE("an overflow by frames that jump over a page meets the guard") {
  check_overflow("frames of several pages that overflow: in*");
}

TEST_CASE("a frame larger than the guard: in a process of its own" * doctest::skip()) {
  overflow_among_many([] { jump<150'000>(1); });
}

TEST_CASE("an overflow by a frame that is larger than the guard meets it all the same") {
  check_overflow("a frame larger than the guard: in*");
}

TEST_CASE("a generator that overflows: in a process of its own" * doctest::skip()) {
  Generator<int> deep([](auto& self) { self.yield(descend(1'000'000)); });
  deep.next();
}

TEST_CASE("an overflow in a generator says how to raise its stack") {
  if (under_checker()) return;
  const Ending ending = run_case("WEFT_DEBUG=0", "a generator that overflows: in*");
  CHECK(ending.signal == SIGSEGV);
  CHECK(ending.errors ==
        "weft: stack overflow in generator: its stack has 196608 bytes (StackOptions::size 262144, "
        "of which 65536 are guard). To raise it: set_stack({.size = BYTES}) before it starts.\n");
}

TEST_SUITE_END();
