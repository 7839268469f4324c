// Waiting for time to pass. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/loop/clock.h>
#include <weft/task/task_base.h>

namespace weft {

/// Suspends the current task for at least `delay`, measured by the loop's clock. A delay of 0
/// gives up exactly one turn. To sleep until a deadline that may have passed, use sleep_until().
///
/// Units:     any std::chrono duration, kept in nanoseconds. The wait is rounded up to what the
///            selector can express (1 ms for poll, 1 ns for epoll and kqueue), so a task never
///            wakes early.
/// Suspends:  always.
/// Cancelled: CancelledError; the timer is gone.
/// Throws:    RuntimeError outside a task; ValueError that names `delay` if it is negative.
/// Source:    asyncio.sleep. Differs: that takes a negative delay for 0.
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
[[gnu::always_inline]] inline void yield_now();

/// The time of the running loop. Throws: RuntimeError outside one.
TimePoint now();

// Forced inline up to the switch, like a generator's yield: no `ret` may stand between.
inline void yield_now() {
  detail::TaskBase* task = detail::current_task_base();
  if (!task || detail::coro_thread.drive != task->routine || !task->direct || task->must_cancel ||
      task->pinned) [[unlikely]]
    return detail::yield_slowly(nullptr);
  detail::LoopCore& loop = *detail::running_loop;
  task->run = &detail::TaskBase::yielded_step;
  loop.ready.push_behind(*task);  // the mark, at least, stands there
  if (loop.ready.front() == &loop.end_of_batch && loop.may_skip_poll_at_once())
    loop.ready.push(*loop.ready.pop());  // the next batch
  if (!is_yielded(*loop.ready.front())) [[unlikely]]
    return detail::yield_slowly(task);
  detail::run_yielded(loop, *task);
}

}  // namespace weft
