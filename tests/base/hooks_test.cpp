#include <weft/base/hooks.h>

#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <weft/base/errors.h>

#include "../child.h"

using namespace weft;

TEST_SUITE_BEGIN("hooks");

TEST_CASE("an unraisable error reaches the hook with the place it came from") {
  std::string seen;
  const UnraisableHook before =
      set_unraisable_hook([&](std::exception_ptr error, std::string_view where) {
        seen = describe(error) + " " + std::string(where);
      });
  detail::report_unraisable(std::make_exception_ptr(ValueError("late")), "in a test");
  set_unraisable_hook(before);
  CHECK(seen == "ValueError('late') in a test");
}

TEST_CASE("setting a hook returns the one before") {
  int calls = 0;
  const UnawaitedHook first = set_unawaited_hook([&](std::string_view) { ++calls; });
  CHECK_FALSE(first);  // the default is no hook
  const UnawaitedHook second = set_unawaited_hook(first);
  REQUIRE(second);
  second("x");
  CHECK(calls == 1);
}

TEST_CASE("each thread has its own hooks") {
  int calls = 0;
  const UnraisableHook before =
      set_unraisable_hook([&](std::exception_ptr, std::string_view) { ++calls; });
  std::optional<bool> hooked;
  std::thread([&] {
    const UnraisableHook other = set_unraisable_hook(nullptr);
    hooked = bool(other);
  }).join();
  detail::report_unraisable(std::make_exception_ptr(ValueError()), "in a test");
  set_unraisable_hook(before);
  CHECK(hooked == false);
  CHECK(calls == 1);
}

TEST_CASE("without a hook an unraisable error is one line on stderr") {
  const Ending ending = run_in_child(
      [] { detail::report_unraisable(std::make_exception_ptr(ValueError("late")), "in a test"); });
  CHECK(ending.errors == "weft: exception ignored in a test: ValueError('late')\n");
}

TEST_CASE("a closed stderr does no harm") {
  const Ending ending = run_in_child([] {
    close(STDERR_FILENO);
    detail::report_unraisable(std::make_exception_ptr(ValueError("late")), "in a test");
  });
  CHECK(ending.signal == 0);
  CHECK(ending.status == 0);
}

TEST_CASE("a coroutine that was never awaited reaches the hook by its label") {
  std::string seen;
  const UnawaitedHook before =
      set_unawaited_hook([&](std::string_view label) { seen = std::string(label); });
  detail::report_unawaited("fetch");
  set_unawaited_hook(before);
  CHECK(seen == "fetch");
}

TEST_CASE("the line about a coroutine in debug mode: in a process of its own" * doctest::skip()) {
  REQUIRE(debug_mode());
  const Ending ending = run_in_child([] { detail::report_unawaited("fetch"); });
  CHECK(ending.errors == "weft: fetch was never awaited\n");
}

TEST_CASE("without a hook, a coroutine that was never awaited is a line on stderr in debug mode") {
  CHECK(passes_with("WEFT_DEBUG=1", "the line about a coroutine in debug mode*"));
}

TEST_CASE("silence about a coroutine: in a process of its own" * doctest::skip()) {
  REQUIRE_FALSE(debug_mode());
  CHECK(run_in_child([] { detail::report_unawaited("fetch"); }).errors.empty());
}

TEST_CASE("WEFT_DEBUG=0 means that debug mode is off") {
  CHECK(passes_with("WEFT_DEBUG=0", "silence about a coroutine*"));
}

TEST_SUITE_END();
