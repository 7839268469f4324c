#include <weft/base/exception_group.h>

#include <stdexcept>

#include <doctest/doctest.h>

#include "../errors.h"

using namespace weft;

TEST_SUITE_BEGIN("ExceptionGroup");

namespace {

template <class E, class... Args>
std::exception_ptr made(Args... args) {
  return std::make_exception_ptr(E(args...));
}

std::exception_ptr group(const char* message, std::vector<std::exception_ptr> members) {
  return make_exception_group(message, std::move(members));
}

/// Calls `f` with the group that is held.
template <class F>
auto with(const std::exception_ptr& error, F&& f) {
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& held) {
    return f(held);
  }
}

/// m(ValueError(1), in(TypeError(2), ValueError(3)), KeyError-like LookupError(4))
std::exception_ptr nested() {
  return group("m",
               {made<ValueError>("1"), group("in", {made<TypeError>("2"), made<ValueError>("3")}),
                made<LookupError>("4")});
}

class Tagged : public BaseExceptionGroup {
 public:
  using BaseExceptionGroup::BaseExceptionGroup;
  const char* kind() const noexcept override { return "Tagged"; }
  std::exception_ptr derive(std::vector<std::exception_ptr> exceptions) const override {
    return std::make_exception_ptr(Tagged(message(), std::move(exceptions)));
  }
};

}  // namespace

TEST_CASE("a group of Exceptions is an ExceptionGroup, and a std::exception") {
  const auto error = group("m", {made<ValueError>("1"), made<std::runtime_error>("2")});
  CHECK_THROWS_AS(std::rethrow_exception(error), ExceptionGroup);
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    CHECK(std::string(e.what()) == "m (2 sub-exceptions)");
  }
}

TEST_CASE("what a group says counts its members") {
  CHECK(std::string(ExceptionGroup("m", {made<ValueError>()}).what()) == "m (1 sub-exception)");
}

TEST_CASE("one order to leave among the members makes it a BaseExceptionGroup") {
  const auto error = group("m", {made<ValueError>(), made<KeyboardInterrupt>()});
  CHECK_FALSE(detail::is_kind<std::exception>(error));
  CHECK(describe(error) == "BaseExceptionGroup('m', [ValueError(), KeyboardInterrupt()])");
}

TEST_CASE("an ExceptionGroup takes no order to leave") {
  CHECK(error_of([] { ExceptionGroup("m", {made<CancelledError>()}); }) ==
        "TypeError('Cannot nest BaseExceptions in an ExceptionGroup')");
}

TEST_CASE("a group of orders to leave cannot be nested in an ExceptionGroup either") {
  CHECK(detail::is_kind<std::exception>(group("o", {group("i", {made<ValueError>()})})));
  CHECK_FALSE(detail::is_kind<std::exception>(group("o", {group("i", {made<SystemExit>()})})));
}

TEST_CASE("a group needs members, and each must be an exception") {
  CHECK(error_of([] { BaseExceptionGroup("m", {}); }) ==
        "ValueError('second argument (exceptions) must be a non-empty sequence')");
  CHECK(error_of([] { BaseExceptionGroup("m", {made<ValueError>(), nullptr}); }) ==
        "ValueError('Item 1 of second argument (exceptions) is not an exception')");
  CHECK(error_of([] { make_exception_group("m", {}); }) ==
        "ValueError('second argument (exceptions) must be a non-empty sequence')");
}

TEST_CASE("describe() writes a group as Python's repr does") {
  CHECK(describe(nested()) ==
        "ExceptionGroup('m', [ValueError('1'), ExceptionGroup('in', [TypeError('2'), "
        "ValueError('3')]), LookupError('4')])");
}

TEST_CASE("split() by type keeps the shape on both sides") {
  const auto parts = with(nested(), [](auto& g) { return g.template split<ValueError>(); });
  CHECK(describe(parts.match) ==
        "ExceptionGroup('m', [ValueError('1'), ExceptionGroup('in', [ValueError('3')])])");
  CHECK(describe(parts.rest) ==
        "ExceptionGroup('m', [ExceptionGroup('in', [TypeError('2')]), LookupError('4')])");
}

TEST_CASE("split() gives null for the side that is empty") {
  const auto none = with(nested(), [](auto& g) { return g.template split<TimeoutError>(); });
  CHECK(none.match == nullptr);
  CHECK(describe(none.rest) == describe(nested()));
  const auto all = with(nested(), [](auto& g) { return g.template split<std::exception>(); });
  CHECK(describe(all.match) == describe(nested()));
  CHECK(all.rest == nullptr);
}

TEST_CASE("a predicate is asked about a group before it is about its members") {
  std::vector<std::string> asked;
  const auto parts = with(nested(), [&](auto& g) {
    return g.split([&](const std::exception_ptr& each) {
      asked.push_back(describe(each).substr(0, 20));
      return asked.size() == 3;
    });
  });
  CHECK(asked == std::vector<std::string>{"ExceptionGroup('m', ", "ValueError('1')",
                                          "ExceptionGroup('in',", "LookupError('4')"});
  CHECK(describe(parts.match) ==
        "ExceptionGroup('m', [ExceptionGroup('in', [TypeError('2'), ValueError('3')])])");
}

TEST_CASE("subgroup() is the matching side of split()") {
  with(nested(), [](auto& g) {
    CHECK(describe(g.template subgroup<TypeError>()) ==
          "ExceptionGroup('m', [ExceptionGroup('in', [TypeError('2')])])");
    CHECK(g.subgroup([](const std::exception_ptr&) { return false; }) == nullptr);
  });
}

TEST_CASE("what is left of a mixed group may be an ExceptionGroup") {
  const auto mixed = group("m", {made<ValueError>(), made<SystemExit>()});
  with(mixed, [](auto& g) {
    CHECK(describe(g.template split<SystemExit>().rest) == "ExceptionGroup('m', [ValueError()])");
  });
}

TEST_CASE("the parts of a group have its cause") {
  ExceptionGroup caused("m", {made<ValueError>(), made<TypeError>()});
  caused.set_cause(made<RuntimeError>("why"));
  const auto parts = caused.split<TypeError>();
  for (const auto& part : {parts.match, parts.rest})
    with(part, [](auto& g) { CHECK(describe(g.cause()) == "RuntimeError('why')"); });
}

TEST_CASE("derive() decides of which class the parts are") {
  const Tagged tagged("t", {made<ValueError>(), made<TypeError>()});
  CHECK(describe(tagged.subgroup<TypeError>()) == "Tagged('t', [TypeError()])");
  CHECK(describe(tagged.subgroup<Tagged>()) == "Tagged('t', [ValueError(), TypeError()])");
}

TEST_CASE("flatten() gives the ends of the tree in order") {
  std::string leaves;
  with(nested(), [&](auto& g) {
    for (const auto& leaf : g.flatten()) leaves += describe(leaf) + " ";
  });
  CHECK(leaves == "ValueError('1') TypeError('2') ValueError('3') LookupError('4') ");
}

TEST_CASE("format_exception() draws a group as Python does") {
  const auto error =
      group("m", {made<ValueError>("1"),
                  group("in\nner", {made<TypeError>("a\nb"), made<LookupError>("2")}),
                  made<TimeoutError>()});
  CHECK(format_exception(error) == R"(  | ExceptionGroup: m (3 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +---------------- 2 ----------------
    | ExceptionGroup: in
    | ner (2 sub-exceptions)
    +-+---------------- 1 ----------------
      | TypeError: a
      | b
      +---------------- 2 ----------------
      | LookupError: 2
      +------------------------------------
    +---------------- 3 ----------------
    | TimeoutError
    +------------------------------------
)");
}

TEST_CASE("format_exception() closes nested groups that end together once") {
  const auto error = group("m", {group("in", {group("x", {made<ValueError>("1")})})});
  CHECK(format_exception(error) == R"(  | ExceptionGroup: m (1 sub-exception)
  +-+---------------- 1 ----------------
    | ExceptionGroup: in (1 sub-exception)
    +-+---------------- 1 ----------------
      | ExceptionGroup: x (1 sub-exception)
      +-+---------------- 1 ----------------
        | ValueError: 1
        +------------------------------------
)");
}

TEST_CASE("format_exception() tells causes first, also inside a group") {
  ValueError late("3");
  late.set_cause(made<TypeError>("why"));
  const auto error = std::make_exception_ptr(late);
  CHECK(format_exception(error) ==
        "TypeError: why\n"
        "\n"
        "The above exception was the direct cause of the following "
        "exception:\n"
        "\n"
        "ValueError: 3\n");
  CHECK(format_exception(group("m", {error})) ==
        "  | ExceptionGroup: m (1 sub-exception)\n"
        "  +-+---------------- 1 ----------------\n"
        "    | TypeError: why\n"
        "    | \n"
        "    | The above exception was the direct cause of the following exception:\n"
        "    | \n"
        "    | ValueError: 3\n"
        "    +------------------------------------\n");
}

TEST_CASE("format_exception() takes any exception") {
  CHECK(format_exception(made<std::runtime_error>("x")) == "std::runtime_error: x\n");
  CHECK(format_exception(std::make_exception_ptr(5)) == "int\n");
  CHECK(format_exception(nullptr) == "None\n");
}

TEST_SUITE_END();
