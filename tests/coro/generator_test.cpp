#include <weft/coro/generator.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "checks.h"

using namespace weft;
using Ints = std::vector<int>;

TEST_SUITE_BEGIN("Generator");

namespace {

Generator<int> count_to(int n) {
  return {[=](auto& self) {
    for (int i = 0; i < n; ++i) self.yield(i);
  }};
}

Generator<int, std::optional<int>> jumping_range(int up_to) {
  return {[=](auto& self) {
    for (int i = 0; i < up_to;) i += self.yield(i).value_or(1);
  }};
}

/// Yields the running sum of what it is sent.
Generator<int, int> sum() {
  return {[](auto& self) {
    for (int total = 0;;) total += self.yield(total);
  }};
}

}  // namespace

// ---- laziness, and iteration

TEST_CASE_FIXTURE(Balanced, "nothing of the body runs before the first next()") {
  int steps = 0;
  Generator<int> gen([&](auto& self) {
    ++steps;
    self.yield(1);
    ++steps;
  });
  CHECK(steps == 0);
  gen.next();
  CHECK(steps == 1);
  CHECK(gen.next().done());
  CHECK(steps == 2);
}

TEST_CASE_FIXTURE(Balanced, "a generator that is not started needs no stack") {
  const std::size_t in_use = stack_statistics().in_use;
  auto gen = count_to(3);
  CHECK(stack_statistics().in_use == in_use);
  gen.next();
  CHECK(stack_statistics().in_use == in_use + 1);
}

TEST_CASE_FIXTURE(Balanced, "the stack goes back when the body ends, not when the handle goes") {
  const std::size_t in_use = stack_statistics().in_use;
  auto gen = count_to(1);
  gen.next();
  gen.next();
  CHECK(stack_statistics().in_use == in_use);
  CHECK(gen.next().done());
}

TEST_CASE_FIXTURE(Balanced, "range-for visits each value") {
  CHECK(rest_of(count_to(4)) == Ints{0, 1, 2, 3});
  CHECK(rest_of(count_to(0)).empty());
}

TEST_CASE_FIXTURE(Balanced, "iteration goes on from where the generator stands") {
  auto gen = count_to(6);
  gen.next();
  for (int i : gen)
    if (i == 2) break;
  CHECK(gen.next().value() == 3);
  CHECK(rest_of(gen) == Ints{4, 5});
}

TEST_CASE_FIXTURE(Balanced, "range-for sends nothing to a generator that wants an optional") {
  CHECK(rest_of(jumping_range(3)) == Ints{0, 1, 2});
}

#if !defined(__clang__) || __clang_major__ >= 16

TEST_CASE_FIXTURE(Balanced, "a generator takes part in pipelines of views") {
  auto odd_squares = count_to(100) | std::views::filter([](int i) { return i % 2 == 1; }) |
                     std::views::transform([](int i) { return i * i; }) | std::views::take(4);
  Ints seen;
  for (int i : odd_squares) seen.push_back(i);
  CHECK(seen == Ints{1, 9, 25, 49});
  CHECK(std::ranges::input_range<Generator<int>>);
  CHECK(std::ranges::view<Generator<int>>);
}

TEST_CASE_FIXTURE(Balanced, "a view over an lvalue takes no more than it shows") {
  auto gen = count_to(10);
  Ints seen;
  for (int i : std::ranges::ref_view(gen) | std::views::take_while([](int i) { return i < 3; }))
    seen.push_back(i);
  CHECK(seen == Ints{0, 1, 2});
  CHECK(gen.next().value() == 4);  // 3 was asked for, and refused
}

#endif

// ---- sending

TEST_CASE_FIXTURE(Balanced, "next() sends nothing, send() a value") {
  auto gen = jumping_range(5);
  CHECK(gen.next().value() == 0);
  CHECK(gen.send(2).value() == 2);
  CHECK(gen.next().value() == 3);
  CHECK(gen.send(-1).value() == 2);
  CHECK(gen.send(std::nullopt).value() == 3);
  CHECK(rest_of(gen) == Ints{4});
}

TEST_CASE_FIXTURE(Balanced, "a generator that wants ints is sent ints") {
  auto gen = sum();
  CHECK(gen.next().value() == 0);
  CHECK(gen.send(5).value() == 5);
  CHECK(gen.send(7).value() == 12);
}

TEST_CASE_FIXTURE(Balanced, "next() into a started generator that wants ints is a TypeError") {
  auto gen = sum();
  gen.next();
  CHECK(error_of([&] { gen.next(); }) ==
        "TypeError('next() into a generator that has to be sent a value')");
}

TEST_CASE_FIXTURE(Balanced, "a value cannot be sent to a body that has not started") {
  auto gen = sum();
  CHECK(error_of([&] { gen.send(1); }) ==
        "TypeError('can't send non-None value to a just-started generator')");
  CHECK(gen.state() == State::Created);
  CHECK(gen.next().value() == 0);
  CHECK(jumping_range(1).send(std::nullopt).value() == 0);
}

TEST_CASE_FIXTURE(Balanced, "values that can only be moved pass in all directions") {
  using Box = std::unique_ptr<int>;
  Generator<Box, Box, Box> gen([](auto& self) {
    Box got = self.yield(std::make_unique<int>(1));
    return std::make_unique<int>(*got + 1);
  });
  const Box first = std::move(gen.next().value());
  CHECK(*first == 1);
  CHECK(*gen.send(std::make_unique<int>(41)).result() == 42);
}

TEST_CASE_FIXTURE(Balanced, "a yielded value is the very object of the body") {
  const std::string* inside = nullptr;
  Generator<const std::string&> gen([&](auto& self) {
    const std::string text = "here";
    inside = &text;
    self.yield(text);
  });
  CHECK(&gen.next().value() == inside);
}

TEST_CASE_FIXTURE(Balanced, "a loop over references changes what they refer to") {
  std::array<int, 3> numbers{1, 2, 3};
  Generator<int&> gen([&](auto& self) {
    for (int& number : numbers) self.yield(number);
  });
  for (int& number : gen) number *= 10;
  CHECK(numbers == std::array<int, 3>{10, 20, 30});
}

// ---- results

TEST_CASE_FIXTURE(Balanced, "what the body returns is the result of the last step") {
  Generator<int, void, std::string> gen([](auto& self) {
    self.yield(1);
    return "end";
  });
  CHECK_FALSE(gen.next().has_result());
  auto last = gen.next();
  CHECK(last.has_result());
  CHECK(last.result() == "end");
}

TEST_CASE_FIXTURE(Balanced, "an ended generator is done again, without a result") {
  Generator<int, void, int> gen([](auto&) { return 1; });
  CHECK(gen.next().result() == 1);
  auto again = gen.next();
  CHECK(again.done());
  CHECK_FALSE(again.has_result());
}

TEST_CASE_FIXTURE(Balanced, "asking for a value that does not come is a StopIteration") {
  Generator<int, void, int> gen([](auto&) { return 84; });
  try {
    (void)gen.next().value();
    FAIL("nothing was thrown");
  } catch (const StopIteration& stop) {
    CHECK(*stop.value<int>() == 84);
  }
}

TEST_CASE_FIXTURE(Balanced, "a result may be converted to the declared type") {
  Generator<int, void, std::optional<long>> gen([](auto&) { return 3; });
  CHECK(gen.next().result() == 3L);
}

// ---- exceptions

TEST_CASE_FIXTURE(Balanced, "what the body throws ends it") {
  Generator<int> gen([](auto& self) {
    self.yield(1);
    throw ValueError("broken");
  });
  gen.next();
  CHECK(error_of([&] { gen.next(); }) == "ValueError('broken')");
  CHECK(gen.state() == State::Closed);
  CHECK(gen.next().done());
}

TEST_CASE_FIXTURE(Balanced, "exceptions of any type pass") {
  CHECK_THROWS_AS(Generator<int>([](auto&) { throw 42; }).next(), int);
}

TEST_CASE_FIXTURE(Balanced, "throw_() raises at the yield, where it may be handled") {
  Generator<std::string> gen([](auto& self) {
    try {
      self.yield("waiting");
    } catch (const ValueError& error) {
      self.yield("handled " + error.message());
    }
  });
  gen.next();
  CHECK(gen.throw_(ValueError("it")).value() == "handled it");
  CHECK(gen.next().done());
}

TEST_CASE_FIXTURE(Balanced, "throw_() comes back if nobody handles it, and unwinds the body") {
  std::string log;
  Generator<int> gen([&](auto& self) {
    Farewell local(log, "local");
    self.yield(1);
  });
  gen.next();
  CHECK(error_of([&] { gen.throw_(42); }) == "int");
  CHECK(log == "local ");
  CHECK(error_of([&] { gen.throw_(ValueError("ended")); }) == "ValueError('ended')");
}

TEST_CASE_FIXTURE(Balanced, "throw_() into an unstarted generator closes it") {
  int steps = 0;
  Generator<int> gen([&](auto& self) {
    ++steps;
    self.yield(1);
  });
  CHECK(error_of([&] { gen.throw_(ValueError()); }) == "ValueError()");
  CHECK(gen.state() == State::Closed);
  CHECK(gen.next().done());
  CHECK(steps == 0);
}

TEST_CASE_FIXTURE(Balanced, "throw_() without an exception is a TypeError") {
  auto gen = count_to(1);
  CHECK_THROWS_AS(gen.throw_(std::exception_ptr()), TypeError);
  CHECK(gen.next().value() == 0);
}

TEST_CASE_FIXTURE(Balanced, "a StopIteration that leaves the body becomes a RuntimeError") {
  Generator<int> gen([](auto&) { throw StopIteration::with(3); });
  try {
    gen.next();
    FAIL("nothing was thrown");
  } catch (const RuntimeError& error) {
    CHECK(error.message() == "generator raised StopIteration");
    CHECK(describe(error.cause()) == "StopIteration()");
  }
}

TEST_CASE_FIXTURE(Balanced, "a StopIteration that the body handles is nobody's business") {
  auto inner = count_to(1);
  Generator<int> gen([&](auto& self) {
    try {
      for (;;) self.yield(inner.next().value());
    } catch (const StopIteration&) {
      self.yield(100);
    }
  });
  CHECK(rest_of(gen) == Ints{0, 100});
}

TEST_CASE_FIXTURE(Balanced, "a body may be suspended inside a catch block") {
  Generator<std::string> gen([](auto& self) {
    try {
      throw ValueError("inner");
    } catch (...) {
      self.yield("caught");
      throw;
    }
  });
  gen.next();
  CHECK_THROWS_AS(throw TypeError("elsewhere"), TypeError);
  CHECK(error_of([&] { gen.next(); }) == "ValueError('inner')");
}

TEST_SUITE_END();
