#include <weft/base/errors.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

using namespace weft;

TEST_SUITE_BEGIN("errors");

namespace {

template <class E>
concept ToldByStandardHandlers = std::is_convertible_v<E*, std::exception*>;

template <class E>
std::exception_ptr pointer_to(E error) {
  return std::make_exception_ptr(std::move(error));
}

/// How a handler that knows only the standard's base class fares with `error`.
template <class E>
bool caught_as_std_exception(E error) {
  try {
    throw error;
  } catch (const std::exception&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

TEST_CASE_TEMPLATE("every kind is caught as BaseException", E, CancelledError, GeneratorExit,
                   KeyboardInterrupt, SystemExit, RuntimeError, ValueError, TypeError,
                   AttributeError, TimeoutError, InvalidStateError, StopIteration,
                   StopAsyncIteration) {
  std::string caught;
  try {
    throw E("why");
  } catch (const BaseException& error) {
    caught = std::string(error.kind()) + ": " + error.message();
  }
  CHECK(caught == std::string(E::kName) + ": why");
}

TEST_CASE_TEMPLATE("an order to leave passes handlers of std::exception", E, CancelledError,
                   GeneratorExit, KeyboardInterrupt, SystemExit) {
  CHECK_FALSE(caught_as_std_exception(E()));
  CHECK_FALSE(ToldByStandardHandlers<E>);
}

TEST_CASE_TEMPLATE("an error is caught as Exception and as std::exception", E, RuntimeError,
                   ValueError, TypeError, AttributeError, TimeoutError, InvalidStateError,
                   StopIteration, StopAsyncIteration) {
  CHECK(caught_as_std_exception(E()));
  CHECK_THROWS_AS(throw E(), Exception);
}

TEST_CASE("an error of the user's own kind takes part") {
  struct TeapotError : RuntimeError {
    using RuntimeError::RuntimeError;
    const char* kind() const noexcept override { return "TeapotError"; }
  };
  CHECK_THROWS_AS(throw TeapotError("short"), BaseException);
  CHECK(describe(pointer_to(TeapotError("short"))) == "TeapotError('short')");
}

TEST_CASE("an empty message is not the same as none") {
  CHECK_FALSE(ValueError().has_message());
  CHECK(ValueError("").has_message());
  CHECK(ValueError().message().empty());
}

TEST_CASE("what() is the message, or the kind where there is none") {
  CHECK(std::string(ValueError("size").what()) == "size");
  CHECK(std::string(ValueError().what()) == "ValueError");
}

TEST_CASE("copies share the message, and do not throw") {
  const RuntimeError original(std::string(1000, 'x'));
  const RuntimeError copy = original;
  CHECK(&copy.message() == &original.message());
  CHECK(std::is_nothrow_copy_constructible_v<CancelledError>);
  CHECK(std::is_nothrow_copy_constructible_v<RuntimeError>);
}

TEST_CASE("a cause is kept by copies, and absent at first") {
  RuntimeError error("generator raised StopIteration");
  CHECK(error.cause() == nullptr);
  error.set_cause(pointer_to(StopIteration()));
  CHECK(describe(RuntimeError(error).cause()) == "StopIteration()");
}

TEST_CASE("StopIteration carries a value of its type") {
  const StopIteration stop = StopIteration::with(84);
  REQUIRE(stop.has_value());
  CHECK(*stop.value<int>() == 84);
  CHECK(stop.value<long>() == nullptr);
  CHECK(StopIteration().value<int>() == nullptr);
  CHECK_FALSE(StopIteration().has_value());
}

TEST_CASE("StopIteration carries what can only be moved") {
  const StopIteration stop = StopIteration::with(std::make_unique<int>(7));
  const StopIteration copy = stop;
  const std::unique_ptr<int> taken = std::move(*copy.value<std::unique_ptr<int>>());
  CHECK(*taken == 7);
  CHECK(*stop.value<std::unique_ptr<int>>() == nullptr);  // copies share the value
}

TEST_CASE("describe() writes an error as Python does") {
  CHECK(describe(pointer_to(ValueError("x"))) == "ValueError('x')");
  CHECK(describe(pointer_to(CancelledError())) == "CancelledError()");
  CHECK(describe(pointer_to(CancelledError(""))) == "CancelledError('')");
  CHECK(describe(pointer_to(BaseException("b"))) == "BaseException('b')");
  CHECK(describe(pointer_to(Exception("e"))) == "Exception('e')");
}

TEST_CASE("describe() tells the type of a foreign error") {
  CHECK(describe(pointer_to(std::out_of_range("far"))) == "std::out_of_range('far')");
  CHECK(describe(pointer_to(42)) == "int");
  CHECK(describe(nullptr) == "None");
}

TEST_CASE("type_name() is what the source says") {
  CHECK(type_name(typeid(RuntimeError)) == "weft::RuntimeError");
  CHECK(type_name(typeid(int)) == "int");
}

TEST_SUITE_END();
