// What must not be suspended. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/coro/routine.h>

namespace weft::detail {

/// A coroutine that must not be suspended now: see NoSuspend. In a list of the thread's.
struct Unsuspendable {
  Routine* routine = nullptr;
  Unsuspendable* outer = nullptr;
};

/// Throws: RuntimeError if one of the thread's Unsuspendables is of `coroutine`.
void check_may_suspend(const Routine& coroutine);

}  // namespace weft::detail
