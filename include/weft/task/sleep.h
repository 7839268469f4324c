// Waiting for time to pass. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/loop/clock.h>

namespace weft {

/// Suspends the current task for at least `delay`, measured by the loop's clock. A delay of 0 or
/// less gives up exactly one turn.
///
/// Units:     any std::chrono duration, kept in nanoseconds. The wait is rounded up to what the
///            selector can express (1 ms for poll, 1 ns for epoll and kqueue), so a task never wakes
///            early.
/// Suspends:  always.
/// Cancelled: CancelledError; the timer is gone.
/// Throws:    RuntimeError outside a task; ValueError that names `delay` in debug mode, if it is
///            negative.
/// Source:    asyncio.sleep
void sleep(Duration delay);

/// Suspends the current task until `when`, of the loop's time().
///
/// Suspends:  always; a time in the past gives up exactly one turn.
/// Cancelled: as sleep(). Throws: RuntimeError outside a task.
void sleep_until(TimePoint when);

/// Lets everything run that is ready now: sleep(0).
///
/// Suspends:  for one turn.
/// Cancelled: CancelledError.
/// Throws:    RuntimeError outside a task.
void yield_now();

/// The time of the running loop. Throws: RuntimeError outside one.
TimePoint now();

}  // namespace weft
