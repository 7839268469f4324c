// Generators by the hundred thousand: deep chains, large trees, many short lives.
#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include <weft/coro/generator.h>

#include "checks.h"

using namespace weft;

TEST_SUITE_BEGIN("Generator, deep and wide");

namespace {

const int kDepth = 100'000 / kScale;

/// As deep, with a stack for each level: without light guards a process cannot have so many.
int depth_of_stacks() {
  return guard_kind() == GuardKind::Light ? kDepth : std::min(kDepth, 10'000);
}

Generator<int, int, int> nest(int depth) {
  return {[=](auto& self) {
    if (depth == 0) return self.yield(1) + self.yield(2);
    return self.yield_from(nest(depth - 1)) + 1;
  }};
}

Generator<int, int, int> nest_on_stacks(int depth) {
  return {[=](auto& self) {
    if (depth == 0) return self.yield(1) + self.yield(2);
    auto inner = nest_on_stacks(depth - 1);
    return self.yield_from(inner) + 1;
  }};
}

void check_chain(Generator<int, int, int> gen, int depth) {
  CHECK(gen.next().value() == 1);
  CHECK(gen.send(10).value() == 2);
  CHECK(gen.send(20).result() == 30 + depth);
}

/// The numbers from `low` to `high`, as a balanced tree would be walked.
Generator<int> walk(int low, int high) {
  return {[=](auto& self) {
    if (low >= high) return;
    const int middle = low + (high - low) / 2;
    self.yield_from(walk(low, middle));
    self.yield(middle);
    self.yield_from(walk(middle + 1, high));
  }};
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "a chain of plain calls is as deep as memory allows") {
  check_chain(nest(kDepth), kDepth);
}

TEST_CASE_FIXTURE(Balanced, "a chain of plain calls needs few stacks") {
  const std::size_t in_use = stack_statistics().in_use;
  auto gen = nest(100);
  gen.next();
  CHECK(stack_statistics().in_use - in_use <= 2);
}

TEST_CASE_FIXTURE(Balanced, "a chain of stacks is as deep as memory allows") {
  check_chain(nest_on_stacks(depth_of_stacks()), depth_of_stacks());
}

TEST_CASE_FIXTURE(Balanced, "deep chains are left half-way") {
  nest(kDepth).next();
  nest_on_stacks(depth_of_stacks()).next();
  auto closed = nest_on_stacks(depth_of_stacks());
  closed.next();
  closed.close();
  CHECK(closed.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "an error passes a deep chain") {
  auto inlined = nest(kDepth);
  inlined.next();
  CHECK(error_of([&] { inlined.throw_(ValueError("deep")); }) == "ValueError('deep')");
  auto with_stacks = nest_on_stacks(depth_of_stacks());
  with_stacks.next();
  CHECK(error_of([&] { with_stacks.throw_(ValueError("deep")); }) == "ValueError('deep')");
}

TEST_CASE_FIXTURE(Balanced, "a tree of a million nodes is walked in order") {
  const int kNodes = 1'000'000 / kScale;
  int expected = 0;
  bool in_order = true;
  for (int i : walk(0, kNodes)) in_order &= i == expected++;
  CHECK(in_order);
  CHECK(expected == kNodes);
}

TEST_CASE_FIXTURE(Balanced, "a million generators that are dropped half-way leave nothing") {
  int ended = 0;
  const auto make = [&] {
    return Generator<int>([&](auto& self) {
      struct End {
        int& ended;
        ~End() { ++ended; }
      } end{ended};
      self.yield(1);
    });
  };
  make().next();
  const StackStatistics before = stack_statistics();
  const int kMany = 1'000'000 / kScale;
  for (int i = 0; i < kMany; ++i) make().next();
  const StackStatistics after = stack_statistics();
  CHECK(ended == kMany + 1);
  CHECK(after.in_use + after.pooled == before.in_use + before.pooled);
  CHECK(after.quarantined == before.quarantined);
}

TEST_SUITE_END();
