#include <weft/base/hooks.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <weft/base/errors.h>

namespace weft {

namespace {

thread_local UnraisableHook unraisable_hook;
thread_local UnawaitedHook unawaited_hook;

/// Unlike fmt::print it does not throw if stderr is closed.
void print_error(const std::string& line) noexcept { std::fputs(line.c_str(), stderr); }

}  // namespace

UnraisableHook set_unraisable_hook(UnraisableHook hook) {
  return std::exchange(unraisable_hook, std::move(hook));
}

UnawaitedHook set_unawaited_hook(UnawaitedHook hook) {
  return std::exchange(unawaited_hook, std::move(hook));
}

bool debug_mode() noexcept {
  static const bool on = [] {
    const char* value = std::getenv("WEFT_DEBUG");
    return value && *value && std::strcmp(value, "0") != 0;
  }();
  return on;
}

namespace detail {

void report_unraisable(std::exception_ptr error, std::string_view where) noexcept {
  if (unraisable_hook) return unraisable_hook(std::move(error), where);
  print_error(fmt::format("weft: exception ignored {}: {}\n", where, describe(error)));
}

void report_unawaited(std::string_view label) noexcept {
  if (unawaited_hook) return unawaited_hook(label);
  if (debug_mode()) print_error(fmt::format("weft: {} was never awaited\n", label));
}

}  // namespace detail

}  // namespace weft
