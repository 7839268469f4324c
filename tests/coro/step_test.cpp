#include <weft/coro/step.h>

#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/base/errors.h>

#include "checks.h"

using namespace weft;

TEST_SUITE_BEGIN("Step");

TEST_CASE("a yielded step refers to the value and is true") {
  std::string value = "a";
  const auto step = Step<std::string>::yielded(value);
  CHECK(step);
  CHECK_FALSE(step.done());
  CHECK(&step.value() == &value);
}

TEST_CASE("a returned step is done and has no value") {
  const auto step = Step<int, int>::returned(84);
  CHECK(step.done());
  CHECK_FALSE(step);
  CHECK(step.has_result());
  CHECK(error_of([&] { (void)step.value(); }) == "StopIteration()");
}

TEST_CASE("value() of a returned step throws a StopIteration with the result") {
  const auto step = Step<int, int>::returned(84);
  try {
    (void)step.value();
    FAIL("nothing was thrown");
  } catch (const StopIteration& stop) {
    REQUIRE(stop.value<int>() != nullptr);
    CHECK(*stop.value<int>() == 84);
  }
}

TEST_CASE("the StopIteration of a result that cannot be copied comes without it") {
  auto step = Step<int, std::unique_ptr<int>>::returned(std::make_unique<int>(1));
  try {
    (void)step.value();
    FAIL("nothing was thrown");
  } catch (const StopIteration& stop) {
    CHECK_FALSE(stop.has_value());
  }
  CHECK(*step.result() == 1);  // it is still here
}

TEST_CASE("result() of a yielded step is an InvalidStateError") {
  int value = 1;
  auto step = Step<int, int>::yielded(value);
  CHECK_FALSE(step.has_result());
  CHECK(error_of([&] { step.result(); }) == "InvalidStateError('Result is not set.')");
  CHECK_THROWS_AS((Step<int>::yielded(value).result()), InvalidStateError);
}

TEST_CASE("a step without a result: of void it is fine, of an optional it is nothing") {
  CHECK(error_of([] { Step<int>::returned().result(); }) == "nothing");
  CHECK(Step<int, std::optional<int>>::returned().result() == std::nullopt);
  CHECK_THROWS_AS((Step<int, int>::returned().result()), InvalidStateError);
}

TEST_CASE("result() moves out") {
  auto step = Step<int, std::unique_ptr<int>>::returned(std::make_unique<int>(5));
  const std::unique_ptr<int> result = step.result();
  CHECK(*result == 5);
}

TEST_CASE("a reference that is yielded gives access to the object") {
  int object = 1;
  Step<int&>::yielded(object).value() = 2;
  CHECK(object == 2);
}

TEST_SUITE_END();
