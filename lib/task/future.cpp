#include <weft/task/future.h>

#include <weft/base/errors.h>
#include <weft/task/task_base.h>

namespace weft::detail {

LoopCore& require_loop(const char* call) {
  if (!running_loop) throw RuntimeError(std::string(call) + ": no running event loop");
  return *running_loop;
}

void release(FutureBase* future) noexcept {
  if (!future || --future->references != 0) return;
  if (future->unretrieved)
    report(*future->loop, {future->task() ? "Task exception was never retrieved"
                                          : "Future exception was never retrieved",
                           future->error, future->name()});
  delete future;
}

FutureBase::~FutureBase() = default;

void FutureBase::check_pending() const {
  if (done()) throw InvalidStateError("invalid state");
}

void FutureBase::make_callbacks_ready() noexcept {
  while (!callbacks_.empty()) loop->ready.push(*callbacks_.pop());
}

void FutureBase::finish() {
  state = FutureState::Finished;
  make_callbacks_ready();
}

void FutureBase::fail(std::exception_ptr exception) {
  check_pending();
  if (!exception) throw TypeError("set_exception: there is no exception to set");
  try {
    std::rethrow_exception(exception);
  } catch (const StopIteration&) {
    throw TypeError(
        "StopIteration interacts badly with generators and cannot be raised into a Future");
  } catch (...) {
  }
  error = std::move(exception);
  unretrieved = true;
  finish();
}

bool FutureBase::cancel(const CancelMessage& message) {
  if (done()) return false;
  finish_cancelled(std::make_exception_ptr(message ? CancelledError(*message) : CancelledError()));
  return true;
}

void FutureBase::finish_cancelled(std::exception_ptr cancelled) {
  error = std::move(cancelled);
  state = FutureState::Cancelled;
  make_callbacks_ready();
}

void FutureBase::add_callback(Runnable& runnable) noexcept {
  (done() ? loop->ready : callbacks_).push(runnable);
}

bool FutureBase::withdraw(TaskBase& task) noexcept { return callbacks_.remove(task); }

void FutureBase::check_result() {
  if (!done()) throw InvalidStateError("Result is not set.");
  unretrieved = false;
  if (error) std::rethrow_exception(error);
}

std::exception_ptr FutureBase::exception() {
  if (!done()) throw InvalidStateError("Exception is not set.");
  if (state == FutureState::Cancelled) std::rethrow_exception(error);
  unretrieved = false;
  return error;
}

void FutureBase::wait() {
  if (done()) return;
  TaskBase* task = task_at_the_door();
  if (!task) {
    trap_future(this);
    if (!done()) throw RuntimeError("await wasn't used with future");
    return;
  }
  if (task->future.loop != loop) throw RuntimeError("the future is attached to a different loop");
  if (&task->future == this) throw RuntimeError("Task cannot await on itself");
  add_callback(*task);
  park(*task, this, this->task() ? "Task" : "Future");
}

}  // namespace weft::detail
