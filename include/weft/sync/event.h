// A flag that tasks wait for. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/task/wait_queue.h>

namespace weft {

/// A flag, down at first, that any number of tasks can wait for.
///
/// set() wakes the tasks that are queued at that moment, first come first served. They run in a
/// later turn of the loop, never inside set(); a clear() before that turn does not put them back
/// to sleep. So wait() says that the flag was raised, not that it is still up.
///
/// Thread: the loop's; from another one, `loop.call_soon_threadsafe([&] { event.set(); })`.
/// Source: asyncio.Event. Differs: wait() returns nothing, since asyncio's can only return True.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Requires: no task waits (checked in every build; the process is aborted).
  ~Event() = default;

  bool is_set() const noexcept { return set_; }

  /// Raises the flag and schedules the waiters. No effect if it is up.
  void set() noexcept;

  void clear() noexcept { set_ = false; }

  /// Returns once the flag is raised; at once if it is up.
  ///
  /// Suspends:  unless is_set(), until set(). For a limit: `timeout(50ms, [&] { event.wait(); })`.
  /// Cancelled: CancelledError; the task has left the queue and nobody loses a wake-up.
  /// Throws:    RuntimeError if it would suspend outside a task.
  void wait();

 private:
  bool set_ = false;
  WaitQueue waiters_;
};

}  // namespace weft
