#include <weft/task/timeout.h>

#include <weft/base/errors.h>

namespace weft {

void Timeout::reschedule(std::optional<TimePoint> when) {
  if (state_ == State::Created) throw RuntimeError("Timeout has not been entered");
  if (state_ == State::Expiring) throw RuntimeError("Cannot change state of expiring Timeout");
  if (state_ == State::Expired) throw RuntimeError("Cannot change state of expired Timeout");
  if (state_ == State::Exited) throw RuntimeError("Cannot change state of finished Timeout");
  when_ = when;
  timer_.cancel();
  timer_ = Handle();
  if (!when) return;
  EventLoop& loop = get_running_loop();
  timer_ = *when <= loop.time() ? loop.call_soon([this] { expire(); })
                                : loop.call_at(*when, [this] { expire(); });
}

void Timeout::enter() {
  if (state_ != State::Created) throw RuntimeError("Timeout has already been entered");
  if (!detail::current_task_base()) throw RuntimeError("Timeout should be used inside a task");
  task_ = current_task();
  state_ = State::Entered;
  cancelling_ = task_->cancelling();
  reschedule(when_);
}

void Timeout::expire() {
  task_->cancel();
  state_ = State::Expiring;
  timer_ = Handle();
}

void Timeout::leave(std::exception_ptr error) {
  timer_.cancel();
  if (state_ == State::Expiring) {
    state_ = State::Expired;
    if (task_->withdraw_cancel() <= cancelling_ && error) {
      try {
        std::rethrow_exception(error);
      } catch (const CancelledError&) {
        TimeoutError late;
        late.set_cause(std::move(error));
        throw late;
      }
    }
  } else {
    state_ = State::Exited;
  }
  if (error) std::rethrow_exception(std::move(error));
}

}  // namespace weft
