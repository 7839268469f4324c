// Mutual exclusion between tasks. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/task/wait_queue.h>

namespace weft {

/// A lock that one task holds at a time, from a wait to a later one. Who comes first gets it first.
///
/// It meets *Lockable*: `std::scoped_lock hold(lock);`, and std::unique_lock and std::lock work
/// too. It does not know its owner: any task may release it, and a task that acquires it twice
/// waits for itself. Between two waits no other task runs, so what never waits needs no lock.
///
/// release() wakes the first in line, which holds the lock when it goes on, in a later turn. Until
/// then the lock is free, but not for others: acquire() and try_lock() give way to the line.
///
/// Thread: the loop's. Source: asyncio.Lock
class Lock {
 public:
  Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  /// Requires: no task waits, nor has yet to go on with the lock (checked in every build; the
  ///           process is aborted).
  ~Lock() { waiters_.require_deserted(); }

  bool locked() const noexcept { return locked_; }

  /// Suspends:  if the lock is held, or somebody is in line, until it is this task's turn.
  /// Cancelled: CancelledError; the lock is not held, and the next in line gets it.
  /// Throws:    RuntimeError if it would suspend outside a task.
  void acquire();

  /// Throws: RuntimeError if the lock is not held.
  void release();

  /// Takes the lock if that needs no wait. False if somebody holds it or is in line for it.
  bool try_lock() noexcept;

  /// acquire() and release(), as C++ calls them.
  void lock() { acquire(); }
  void unlock() { release(); }

 private:
  friend class Condition;

  bool locked_ = false;
  unsigned forgiven_ = 0;  // releases to come from tasks that could not wait for the lock
  WaitQueue waiters_;
};

}  // namespace weft
