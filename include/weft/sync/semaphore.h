// A number of permits that tasks take and give back. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <limits>

#include <weft/task/wait_queue.h>

namespace weft {

/// Permits: acquire() takes one, and waits while there is none; release() gives one. Who comes
/// first gets one first: a permit that is given goes to the first in line, and nobody overtakes it.
///
/// `std::scoped_lock hold(semaphore);` holds a permit.
///
/// Thread: the loop's. Source: asyncio.Semaphore
class Semaphore {
 public:
  /// Throws: ValueError if `value` is negative.
  explicit Semaphore(std::ptrdiff_t value = 1) : Semaphore(value, kUnbounded) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// Requires: no task waits, nor has yet to go on (checked in every build; the process is
  ///           aborted).
  ~Semaphore() { waiters_.require_deserted(); }

  /// True if acquire() would have to wait.
  bool locked() const noexcept { return value_ == 0 || !waiters_.idle(); }

  /// Suspends:  if there is no permit, or somebody is in line, until it is this task's turn.
  /// Cancelled: CancelledError; no permit is taken, and one that was on its way goes to the next.
  /// Throws:    RuntimeError if it would suspend outside a task.
  void acquire();

  /// Throws: ValueError if a BoundedSemaphore has all its permits already.
  void release();

  /// Takes a permit if that needs no wait.
  bool try_acquire() noexcept;

  /// The same, as C++ calls them for what can be locked.
  void lock() { acquire(); }
  void unlock() { release(); }
  bool try_lock() noexcept { return try_acquire(); }

 protected:
  Semaphore(std::ptrdiff_t value, std::ptrdiff_t bound);

 private:
  static constexpr auto kUnbounded = std::numeric_limits<std::ptrdiff_t>::max();

  void give() noexcept;
  void wake_next() noexcept;

  std::ptrdiff_t value_;  // permits that nobody has, nor is on its way with
  std::ptrdiff_t bound_;
  WaitQueue waiters_;
};

/// A semaphore that finds out when more permits are given back than were taken.
///
/// Source: asyncio.BoundedSemaphore
class BoundedSemaphore : public Semaphore {
 public:
  /// Throws: ValueError if `value` is negative.
  explicit BoundedSemaphore(std::ptrdiff_t value = 1) : Semaphore(value, value) {}
};

}  // namespace weft
