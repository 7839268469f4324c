// Chains of delegation: who delegates to whom, and who drives which member.
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/generator.h>

#include "checks.h"

using namespace weft;
using Ints = std::vector<int>;

TEST_SUITE_BEGIN("yield_from, its chains");

namespace {

Generator<int> count_to(int n) {
  return {[=](auto& self) {
    for (int i = 0; i < n; ++i) self.yield(i);
  }};
}

/// Delegates to `inner`, which somebody else keeps.
Generator<int> through(Generator<int>& inner) {
  return {[&](auto& self) { self.yield_from(inner); }};
}

/// Goes on when it is closed.
Generator<int> stubborn() {
  return {[](auto& self) {
    self.yield(1);
    try {
      self.yield(2);
    } catch (const GeneratorExit&) {
      self.yield(3);
    }
    self.yield(4);
  }};
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "is_delegating() is true while suspended in a yield_from") {
  auto kept = count_to(1);
  Generator<int> gen([&](auto& self) {
    self.yield(0);
    self.yield_from(count_to(1));
    self.yield_from(kept);
    self.yield_from(Ints{1});
    self.yield(0);
  });
  std::string delegating;
  CHECK_FALSE(gen.is_delegating());
  while (gen.next()) delegating += gen.is_delegating() ? 'y' : 'n';
  CHECK(delegating == "nyyyn");
  CHECK_FALSE(gen.is_delegating());
}

TEST_CASE_FIXTURE(Balanced, "a generator that two delegate to gives each item once") {
  auto shared = count_to(5);
  auto a = through(shared);
  auto b = through(shared);
  CHECK(a.next().value() == 0);
  CHECK(b.next().value() == 1);
  CHECK(a.next().value() == 2);
  CHECK(shared.next().value() == 3);
  CHECK(b.next().value() == 4);
  CHECK(a.next().done());
  CHECK(b.next().done());
}

TEST_CASE_FIXTURE(Balanced, "one of two owners closes the shared generator: the other ends") {
  auto shared = count_to(5);
  auto a = through(shared);
  auto b = through(shared);
  a.next();
  b.next();
  a.close();
  CHECK(shared.state() == State::Closed);
  CHECK(b.next().done());
}

TEST_CASE_FIXTURE(Balanced, "the middle of a chain may be driven on its own") {
  auto inner = count_to(1);
  Generator<int> middle([&](auto& self) {
    self.yield_from(inner);
    self.yield(10);
    self.yield_from(Ints{11, 12});
  });
  auto outer = through(middle);
  auto outermost = through(outer);
  CHECK(outermost.next().value() == 0);
  CHECK(middle.next().value() == 10);  // the innermost that the others knew has ended
  CHECK(outermost.next().value() == 11);
  CHECK(outer.next().value() == 12);
  CHECK(outermost.next().done());
  CHECK(middle.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "an innermost that ends on its own gives the delegator nothing") {
  Generator<int, void, std::optional<int>> inner([](auto& self) {
    self.yield(1);
    return 5;
  });
  std::optional<int> got = 0;
  Generator<int> outer([&](auto& self) { got = self.yield_from(inner); });
  outer.next();
  CHECK(inner.next().result() == 5);
  CHECK(outer.next().done());
  CHECK(got == std::nullopt);
}

TEST_CASE_FIXTURE(Balanced,
                  "one of two owners fails to close the shared generator: the other has it") {
  auto shared = stubborn();
  std::string caught;
  auto a = through(shared);
  Generator<int> b([&](auto& self) { caught = error_of([&] { self.yield_from(shared); }); });
  CHECK(a.next().value() == 1);
  CHECK(b.next().value() == 2);
  b.close();
  CHECK(caught == "RuntimeError('generator ignored GeneratorExit')");
  CHECK(a.next().value() == 4);
  CHECK(a.next().done());
}

TEST_CASE_FIXTURE(Balanced, "a generator may go while it is delegated to") {
  std::optional<Generator<int>> kept(count_to(3));
  auto gen = through(*kept);
  gen.next();
  kept.reset();
  CHECK(rest_of(gen) == Ints{1, 2});
}

TEST_CASE_FIXTURE(Balanced, "delegating to a generator that runs is an error") {
  Generator<int>* me = nullptr;
  std::string caught;
  Generator<int> gen([&](auto& self) {
    caught = error_of([&] { self.yield_from(*me); });
    self.yield(1);
  });
  me = &gen;
  CHECK(gen.next().value() == 1);
  CHECK(caught == "ValueError('generator already executing')");
}

TEST_CASE_FIXTURE(Balanced, "the running innermost cannot resume those that delegate to it") {
  Generator<int>* outermost = nullptr;
  Generator<int> inner([&](auto& self) {
    self.yield(1);
    outermost->next();
  });
  auto outer = through(inner);
  outermost = &outer;
  outer.next();
  CHECK(error_of([&] { outer.next(); }) == "ValueError('generator already executing')");
}

TEST_SUITE_END();
