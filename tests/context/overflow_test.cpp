// What a program says when a stack overflows.
#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include <weft/context/stack.h>

#include "../child.h"
#include "puppet.h"

using namespace weft;

TEST_SUITE_BEGIN("overflow");

namespace {

int descend(int depth) {
  volatile char frame[1024];
  frame[0] = char(depth);
  return depth == 1'000'000 ? 0 : descend(depth + 1) + frame[0];
}

void overflow(const StackLabel* label) {
  Puppet puppet([](Puppet&) { descend(0); }, {128 * 1024});
  if (label) detail::set_label(puppet.stack(), label);
  puppet.resume();
}

void check_overflow(const char* setting) {
  if (under_checker()) return;  // they have words of their own for it
  const Ending named = run_case(setting, "an overflow with a label: in a process*");
  CHECK(named.signal == SIGSEGV);
  CHECK(
      named.errors ==
      "weft: stack overflow in task 'crawler', created at crawl.cpp:12: its stack has 65536 bytes "
      "(StackOptions::size 131072, of which 65536 are guard). Give it a larger size.\n");
  const Ending nameless = run_case(setting, "an overflow without a label: in a process*");
  CHECK(nameless.signal == SIGSEGV);
  CHECK(nameless.errors.starts_with("weft: stack overflow in a context: its stack has 65536 "));
}

}  // namespace

TEST_CASE("an overflow with a label: in a process of its own" * doctest::skip()) {
  const StackLabel label{"task", "crawler", "crawl.cpp", 12};
  overflow(&label);
}

TEST_CASE("an overflow without a label: in a process of its own" * doctest::skip()) {
  const StackLabel label{"task", "gone", "gone.cpp", 1};
  const detail::Stack before = detail::acquire_stack({128 * 1024});
  detail::set_label(before, &label);
  detail::release_stack(before);  // the next to use the stack has nothing to do with it
  overflow(nullptr);
}

TEST_CASE("a stack overflow kills, and says whose stack it was and how large") {
  check_overflow("WEFT_STACK_GUARD=light");
}

TEST_CASE("a stack overflow says the same where mprotect makes the guards") {
  check_overflow("WEFT_STACK_GUARD=mprotect");
}

TEST_CASE("another fault: in a process of its own" * doctest::skip()) {
  volatile int* volatile nowhere = nullptr;
  Puppet puppet([&](Puppet&) { *nowhere = 1; });
  puppet.resume();
}

TEST_CASE("a fault elsewhere is not called an overflow") {
  if (under_checker()) return;
  const Ending ending = run_case("WEFT_DEBUG=0", "another fault: in a process*");
  CHECK(ending.signal == SIGSEGV);
  CHECK(ending.errors.empty());
}

TEST_SUITE_END();
