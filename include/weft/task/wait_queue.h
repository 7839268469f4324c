// The queue in which tasks wait, for all primitives that make them. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/task/future_base.h>

namespace weft {

class WaitQueue;

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

  /// Makes the waiting task ready; it runs in a later turn. No effect the second time. From another
  /// thread than that of its loop, while that runs, it kills the process, with a message.
  void wake();

  bool woken() const noexcept { return state_ == State::Woken; }

  /// That of who waits; null before that.
  LoopCore* loop() const noexcept;

  bool cancel_wait(const CancelMessage& message) final;
  bool withdraw(TaskBase& task) noexcept final;
  bool throws_cancelled() const noexcept final { return state_ == State::Cancelled; }

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

class Place;

/// One wait in one line or several; its places go when it goes. The first wake-up counts, and ends
/// the waiting in all of them.
class QueuedWaiter final : public Waiter {
 private:
  friend class Place;
  friend class weft::WaitQueue;
  void abandon() noexcept override;

  Place* places_ = nullptr;
};

/// A place in the line of one queue. It is kept, though no longer waited at, until the task that
/// was woken or cancelled goes on.
class Place {
 public:
  /// At the end of the line.
  Place(WaitQueue& queue, QueuedWaiter& waiter) noexcept;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { leave(); }

  void leave() noexcept;

  /// Another one in the same line, or null.
  const Place* neighbour() const noexcept { return previous_ ? previous_ : next_; }

  /// Null once that has gone.
  const WaitQueue* queue() const noexcept { return queue_; }

  /// The wake-up came here.
  bool woken() const noexcept { return state_ != State::Waiting && state_ != State::Given; }
  /// It was meant for one, so it should not get lost. The queue is still there.
  bool woken_alone() const noexcept { return state_ == State::WokenAlone && queue_; }

 private:
  friend class QueuedWaiter;
  friend class Turn;
  friend class weft::WaitQueue;
  enum class State : std::uint8_t { Waiting, Given, Woken, WokenAlone };

  void stop_waiting(State state) noexcept;

  WaitQueue* queue_;
  QueuedWaiter& waiter_;
  Place* sibling_;  // the waiter's next place
  Place* previous_;
  Place* next_ = nullptr;
  bool linked_ = true;
  State state_ = State::Waiting;
};

/// A wait in one queue, for primitives that have their own rules for an unused wake-up.
class Turn {
 public:
  explicit Turn(WaitQueue& queue) noexcept : place_(queue, waiter_) {}

  /// As WaitQueue::park(), but an unused wake-up is the caller's. The task has left the line when
  /// this returns or throws.
  void wait(const char* kind);

  bool woken() const noexcept { return place_.woken(); }
  bool woken_alone() const noexcept { return place_.woken_alone(); }

 private:
  QueuedWaiter waiter_;
  Place place_;
};

}  // namespace detail

/// First come, first served. A task that is woken by wake_one() and cancelled in the same turn
/// throws CancelledError and gives its wake-up to the next in line; so none is lost.
///
/// Thread: the loop's.
class WaitQueue {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  /// Requires: nobody waits (checked in every build; the process is aborted).
  ~WaitQueue();

  /// True if nobody waits.
  bool empty() const noexcept { return waiting_ == nullptr; }

  /// True if nobody waits, and whoever was woken has gone on. Those who are left were cancelled.
  bool idle() const noexcept { return !waiting_ && woken_ == 0; }

  /// Suspends:  until wake_one(), wake_first() or wake_all() reaches this task.
  /// Cancelled: CancelledError; the task has left the queue.
  /// Throws:    RuntimeError outside a coroutine or task.
  void park(const char* kind);

  /// Wakes the first in line. False if nobody waits.
  bool wake_one() noexcept;

  /// The same, but nobody if the very first was woken or cancelled and has yet to go on: that one
  /// has to see to it then.
  bool wake_first() noexcept;

  void wake_all() noexcept;

  /// For primitives that offer more than a wake-up: the first who waits, or null; and waking it.
  detail::Place* first() const noexcept { return waiting_; }
  void wake(detail::Place& place) noexcept;

  /// For destructors of what a task touches when it goes on: aborts if one has yet to do so.
  void require_deserted() const noexcept;

 private:
  friend class detail::Place;
  void wake(detail::Place& place, detail::Place::State state) noexcept;

  // Invariant: `waiting_` is the first of those that wait; only those woken or cancelled stand
  // before it.
  detail::Place* first_ = nullptr;
  detail::Place* last_ = nullptr;
  detail::Place* waiting_ = nullptr;
  std::size_t woken_ = 0;  // places in line that were woken
};

}  // namespace weft
