// Waiting for a change of what a lock protects. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include <weft/sync/lock.h>

namespace weft {

/// A lock, and a line of tasks that wait for something which its holders change.
///
/// ```
/// std::scoped_lock hold(condition);
/// condition.wait_for([&] { return !jobs.empty(); });
/// ```
///
/// A task that is notified holds the lock again when wait() returns; since others may have held it
/// in between, what it waited for has to be looked at again, as wait_for() does.
///
/// Thread: the loop's.
/// Source: asyncio.Condition. Differs: as in 3.13, a task that was notified, but leaves with an
///         exception, passes the notification on.
class Condition {
 public:
  /// With a lock of its own.
  Condition() : lock_(own_.emplace()) {}
  /// With a lock that others may use too, and which must outlive it.
  explicit Condition(Lock& lock) noexcept : lock_(lock) {}
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  /// Requires: no task waits, nor has yet to go on (checked in every build; the process is
  ///           aborted).
  ~Condition() { waiters_.require_deserted(); }

  /// Those of the lock.
  bool locked() const noexcept { return lock_.locked(); }
  void acquire() { lock_.acquire(); }
  void release() { lock_.release(); }
  bool try_lock() noexcept { return lock_.try_lock(); }
  void lock() { acquire(); }
  void unlock() { release(); }

  /// Releases the lock, waits to be notified, and acquires the lock again.
  ///
  /// Suspends:  until notify() reaches this task and the lock is free.
  /// Cancelled: the last CancelledError, once the lock is held again. (A coroutine that is closed
  ///            cannot wait for that: it leaves without the lock, and its release() has no effect.)
  /// Throws:    RuntimeError if the lock is not held, or outside a task.
  void wait();

  /// Waits until `predicate()`, which is called with the lock held, gives something true, and
  /// returns that.
  ///
  /// Suspends:  as wait(), as often as the predicate is false.
  /// Cancelled: as wait(). Throws: what the predicate throws; as wait().
  template <class F>
  auto wait_for(F&& predicate) {
    auto result = predicate();
    while (!result) {
      wait();
      result = predicate();
    }
    return result;
  }

  /// Wakes the first `count` of those who wait. They go on once the caller releases the lock.
  ///
  /// Throws: RuntimeError if the lock is not held.
  void notify(std::size_t count = 1);
  void notify_all();

 private:
  void check_notifiable() const;
  void acquire_again(std::exception_ptr& error);

  std::optional<Lock> own_;
  Lock& lock_;
  WaitQueue waiters_;
};

}  // namespace weft
