#include <weft/task/wait_queue.h>

#include <weft/base/errors.h>
#include <weft/task/future.h>
#include <weft/task/task_base.h>

#include "base/assert.h"

namespace weft {

namespace detail {

void Waiter::wait(const WaitReason& reason) {
  if (state_ == State::Woken) return;
  state_ = State::Waiting;
  task_ = task_at_the_door();
  if (!task_) return wait_by_hand();
  park(*task_, this, reason.kind);
  if (state_ == State::Cancelled) {
    if (message_) throw CancelledError(std::move(*message_));
    throw CancelledError();
  }
  if (state_ != State::Woken) throw RuntimeError("the coroutine was resumed while it waits");
}

/// The driver of a coroutine is given a future: what is awaited has to be something it can hold.
void Waiter::wait_by_hand() {
  const Future<> future;
  future_ = Access::state(future);
  struct Detach {
    FutureBase*& future;
    ~Detach() { future = nullptr; }
  } detach{future_};
  future.await();
}

void Waiter::wake() {
  if (state_ == State::Woken || state_ == State::Cancelled) return;
  const bool waiting = std::exchange(state_, State::Woken) == State::Waiting;
  if (!waiting) return;
  if (task_)
    task_->make_ready();
  else if (future_ && !future_->done())
    future_->finish();
}

bool Waiter::cancel_wait(const CancelMessage& message) {
  if (state_ != State::Waiting) return false;
  state_ = State::Cancelled;
  message_ = message;
  abandon();
  task_->make_ready();
  return true;
}

bool Waiter::withdraw(TaskBase&) noexcept {
  if (state_ != State::Waiting) return false;
  abandon();
  state_ = State::Idle;
  return true;
}

}  // namespace detail

/// A place in the queue, in the frame of park().
class WaitQueue::Place final : public detail::Waiter {
 public:
  explicit Place(WaitQueue& queue) noexcept : queue_(queue) {
    previous = queue.last_;
    (queue.last_ ? queue.last_->next : queue.first_) = this;
    queue.last_ = this;
    queued = true;
  }
  ~Place() { queue_.leave(*this); }

  Place* previous = nullptr;
  Place* next = nullptr;
  bool queued = false;

 private:
  void abandon() noexcept override { queue_.leave(*this); }

  WaitQueue& queue_;
};

WaitQueue::~WaitQueue() {
  if (!empty()) detail::die("an object is destroyed while tasks wait on it");
}

void WaitQueue::leave(Place& place) noexcept {
  if (!std::exchange(place.queued, false)) return;
  (place.previous ? place.previous->next : first_) = place.next;
  (place.next ? place.next->previous : last_) = place.previous;
}

void WaitQueue::park(const char* kind) {
  Place place(*this);
  try {
    place.wait({kind, this});
  } catch (...) {
    if (place.woken()) wake_one();  // this one makes no use of it
    throw;
  }
}

bool WaitQueue::wake_one() noexcept {
  if (!first_) return false;
  Place& place = *first_;
  leave(place);
  place.wake();
  return true;
}

void WaitQueue::wake_all() noexcept {
  while (wake_one()) {
  }
}

}  // namespace weft
