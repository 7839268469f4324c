// The queue in which tasks wait, for all primitives that make them. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <weft/task/future_base.h>

namespace weft {

namespace detail {

/// Why a task waits, for reports.
struct WaitReason {
  const char* kind = "";         // "Event.wait"
  const void* object = nullptr;  // the primitive
};

/// One wait, in the frame of who waits. wait() returns after wake(), whichever comes first.
class Waiter : public Awaited {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Suspends the current coroutine until wake(); not at all if that has been called.
  /// Throws: CancelledError and what else is thrown into the coroutine; RuntimeError outside one,
  ///         or if a hand resumes the coroutine before wake().
  void wait(const WaitReason& reason);

  /// Makes the waiting task ready; it runs in a later turn. No effect the second time.
  void wake();

  bool woken() const noexcept { return state_ == State::Woken; }

  bool cancel_wait(const CancelMessage& message) final;
  bool withdraw(TaskBase& task) noexcept final;
  bool is_cancelled() const noexcept final { return state_ == State::Cancelled; }

  virtual ~Waiter() = default;

 protected:
  /// Called when the wait is cancelled before it was woken: whoever would wake it must not.
  virtual void abandon() noexcept {}

 private:
  enum class State : std::uint8_t { Idle, Waiting, Woken, Cancelled };

  void wait_by_hand();

  State state_ = State::Idle;
  TaskBase* task_ = nullptr;
  FutureBase* future_ = nullptr;  // for a coroutine that is driven by hand
  CancelMessage message_;
};

}  // namespace detail

/// First come, first served. A task that is woken and cancelled in the same turn throws
/// CancelledError and gives its wake-up to the next in line; so none is lost.
///
/// Thread: the loop's.
class WaitQueue {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  /// Requires: nobody waits (checked in every build; the process is aborted).
  ~WaitQueue();

  bool empty() const noexcept { return first_ == nullptr; }

  /// Suspends:  until wake_one() or wake_all() reaches this task.
  /// Cancelled: CancelledError; the task has left the queue.
  /// Throws:    RuntimeError outside a coroutine or task.
  void park(const char* kind);

  /// Wakes the first in line. False if nobody waits.
  bool wake_one() noexcept;
  void wake_all() noexcept;

 private:
  class Place;
  void leave(Place& place) noexcept;

  Place* first_ = nullptr;
  Place* last_ = nullptr;
};

}  // namespace weft
