#include <weft/task/wait_queue.h>

#include <string>
#include <thread>

#include <weft/base/errors.h>
#include <weft/task/future.h>
#include <weft/task/task_base.h>

#include "base/assert.h"
#include "loop/fork.h"

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
  } const detach{future_};
  future.await();
}

LoopCore* Waiter::loop() const noexcept {
  if (task_) return &task_->loop();
  return future_ ? future_->loop : nullptr;
}

void Waiter::wake() {
  const LoopCore* const loop = this->loop();
  if (loop && loop != running_loop && loop->thread.load() != std::thread::id())
    die("a task is woken from a thread that is not its loop's: use loop.call_soon_threadsafe()");
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

void QueuedWaiter::abandon() noexcept {
  for (Place* place = places_; place; place = place->sibling_)
    place->stop_waiting(Place::State::Given);
}

Place::Place(WaitQueue& queue, QueuedWaiter& waiter) noexcept
    : queue_(&queue),
      waiter_(waiter),
      sibling_(std::exchange(waiter.places_, this)),
      previous_(queue.last_) {
  (queue.last_ ? queue.last_->next_ : queue.first_) = this;
  queue.last_ = this;
  if (!queue.waiting_) queue.waiting_ = this;
}

void Place::leave() noexcept {
  if (!std::exchange(linked_, false)) return;
  if (state_ == State::Waiting) stop_waiting(State::Given);
  if (woken()) --queue_->woken_;
  (previous_ ? previous_->next_ : queue_->first_) = next_;
  (next_ ? next_->previous_ : queue_->last_) = previous_;
}

void Place::stop_waiting(State state) noexcept {
  if (state_ != State::Waiting) return;
  state_ = state;
  Place*& waiting = queue_->waiting_;
  if (waiting == this)
    while (waiting && waiting->state_ != State::Waiting) waiting = waiting->next_;
}

void Turn::wait(const char* kind) {
  const Place* const other = place_.neighbour();
  if (other && other->waiter_.loop() && other->waiter_.loop() != running_loop)
    throw RuntimeError(std::string(kind) + ": it is bound to a different event loop");
  struct Leave {
    Place& place;
    ~Leave() { place.leave(); }
  } const leave{place_};
  waiter_.wait({kind, place_.queue()});
}

}  // namespace detail

using detail::Place;

WaitQueue::~WaitQueue() {
  if (!empty() && !detail::has_parents_tasks())
    detail::die("an object is destroyed while tasks wait on it");
  for (Place* place = first_; place; place = place->next_) {
    place->queue_ = nullptr;
    place->linked_ = false;
    if (place->state_ == Place::State::Waiting) place->state_ = Place::State::Given;
  }
}

void WaitQueue::require_deserted() const noexcept {
  if (first_ && !detail::has_parents_tasks())
    detail::die("an object is destroyed while tasks wait on it");
}

void WaitQueue::park(const char* kind) {
  detail::Turn turn(*this);
  struct PassOn {  // no handler: catching and throwing again would double the cost of a
                   // cancellation
    WaitQueue& queue;
    const detail::Turn& turn;
    bool used = false;
    ~PassOn() {
      if (!used && turn.woken_alone()) queue.wake_one();
    }
  } pass_on{*this, turn};
  turn.wait(kind);
  pass_on.used = true;
}

void WaitQueue::wake(Place& place, Place::State state) noexcept {
  place.stop_waiting(state);
  ++woken_;
  detail::QueuedWaiter& waiter = place.waiter_;
  waiter.abandon();  // wherever else it stands
  waiter.wake();
}

void WaitQueue::wake(Place& place) noexcept { wake(place, Place::State::WokenAlone); }

bool WaitQueue::wake_one() noexcept {
  if (!waiting_) return false;
  wake(*waiting_);
  return true;
}

bool WaitQueue::wake_first() noexcept { return first_ == waiting_ && wake_one(); }

void WaitQueue::wake_all() noexcept {
  while (waiting_) wake(*waiting_, Place::State::Woken);
}

}  // namespace weft
