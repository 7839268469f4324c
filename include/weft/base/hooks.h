// Where errors go that nobody can be given. Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <functional>
#include <string_view>

namespace weft {

/// Called with an exception that came up where none can be thrown: while a suspended generator or
/// coroutine was being destroyed. `where` says what was going on.
///
/// The default prints one line to stderr. The hook must not throw. Returns the one set before.
///
/// Thread: each thread has its own.
/// Source: sys.unraisablehook
using UnraisableHook = std::function<void(std::exception_ptr error, std::string_view where)>;
UnraisableHook set_unraisable_hook(UnraisableHook hook);

/// Called with the label of a coroutine that is destroyed without ever having been started: most
/// often a forgotten await(). The default prints one line to stderr in debug mode (WEFT_DEBUG=1).
///
/// Thread: each thread has its own.
using UnawaitedHook = std::function<void(std::string_view label)>;
UnawaitedHook set_unawaited_hook(UnawaitedHook hook);

/// True if the environment has WEFT_DEBUG set to something other than "" and "0" at start.
bool debug_mode() noexcept;

namespace detail {
void report_unraisable(std::exception_ptr error, std::string_view where) noexcept;
void report_unawaited(std::string_view label) noexcept;
}  // namespace detail

}  // namespace weft
