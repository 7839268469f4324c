#include <weft/sync/queue.h>

namespace weft::detail {

QueueBase::QueueBase(std::ptrdiff_t maxsize) noexcept : maxsize_(maxsize) { finished_.set(); }

QueueBase::~QueueBase() {
  getters_.require_deserted();
  putters_.require_deserted();
}

void QueueBase::check_put() const {
  if (shut_down_) throw QueueShutDown();
  if (full()) throw QueueFull();
}

void QueueBase::check_get() const {
  if (!empty()) return;
  if (shut_down_) throw QueueShutDown();
  throw QueueEmpty();
}

void QueueBase::wait_for_room() {
  while (full()) {
    if (shut_down_) throw QueueShutDown();
    Turn turn(putters_);
    try {
      turn.wait("Queue.put");
    } catch (...) {
      if (turn.woken()) put_failed();
      throw;
    }
  }
}

void QueueBase::wait_for_item() {
  while (empty()) {
    if (shut_down_) throw QueueShutDown();
    Turn turn(getters_);
    try {
      turn.wait("Queue.get");
    } catch (...) {
      if (turn.woken()) get_failed();
      throw;
    }
  }
}

void QueueBase::was_put() noexcept {
  ++unfinished_;
  finished_.clear();
  getters_.wake_one();
}

void QueueBase::put_failed() noexcept {
  if (!full()) putters_.wake_one();
}

void QueueBase::get_failed() noexcept {
  if (!empty()) getters_.wake_one();
}

void QueueBase::task_done() {
  if (unfinished_ == 0) throw ValueError("task_done() called too many times");
  if (--unfinished_ == 0) finished_.set();
}

void QueueBase::join() {
  if (unfinished_ > 0) finished_.wait();
}

void QueueBase::shutdown(bool immediate) {
  shut_down_ = true;
  while (immediate && !empty()) {
    drop();
    if (unfinished_ > 0) --unfinished_;
  }
  if (unfinished_ == 0) finished_.set();
  getters_.wake_all();
  putters_.wake_all();
}

}  // namespace weft::detail
