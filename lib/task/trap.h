// What comes of values that coroutines of tasks trap. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/coro/routine.h>

namespace weft::detail {

/// What comes of a value that the coroutine of a task traps: a future is waited for, and what it
/// fails with is thrown; std::nullopt gives up a turn, anything else is an error in the next one.
void* trap_in_task(Frame& frame, void* value, const Exchange* exchange);

}  // namespace weft::detail
