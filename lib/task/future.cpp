#include <weft/task/future.h>

#include <weft/base/errors.h>
#include <weft/task/task_base.h>

namespace weft::detail {

LoopCore& require_loop(const char* call) {
  if (!running_loop) raise_no_running_loop(call);
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

void DoneCallback::run_done(Runnable* self) {
  struct Drop {
    FutureBase* future;
    ~Drop() { release(future); }
  } const drop{static_cast<DoneCallback*>(self)->future};
  Callback::run_callback(self);
}

FutureBase::~FutureBase() {
  while (!callbacks_.empty()) {
    Runnable* runnable = callbacks_.pop();
    if (runnable->run == &DoneCallback::run_done) release(static_cast<Callback*>(runnable));
  }
  release(loop);
}

void FutureBase::check_settable(const char* operation) {
  loop->check_thread();
  if (task()) throw RuntimeError(std::string("Task does not support ") + operation + " operation");
  if (done()) throw InvalidStateError("invalid state");
}

void FutureBase::make_callbacks_ready() noexcept {
  while (!callbacks_.empty()) {
    Runnable& runnable = *callbacks_.pop();
    if (runnable.run == &DoneCallback::run_done) retain(*this);
    if (loop->closed)
      runnable.run(&runnable);
    else
      loop->ready.push(runnable);
  }
}

void FutureBase::finish() {
  state = FutureState::Finished;
  make_callbacks_ready();
}

void FutureBase::set_exception(std::exception_ptr exception) {
  check_settable("set_exception");
  if (!exception) throw TypeError("set_exception: there is no exception to set");
  try {
    std::rethrow_exception(exception);
  } catch (const StopIteration&) {
    throw TypeError(
        "StopIteration interacts badly with generators and cannot be raised into a Future");
  } catch (...) {
  }
  fail(std::move(exception));
}

void FutureBase::fail(std::exception_ptr exception) {
  error = std::move(exception);
  unretrieved = !ignored;
  finish();
}

bool FutureBase::cancel(const CancelMessage& message) {
  loop->check_thread();
  unretrieved = false;
  if (done()) return false;
  has_message = message.has_value();
  finish_cancelled(std::make_exception_ptr(message ? CancelledError(*message) : CancelledError()));
  return true;
}

void FutureBase::finish_cancelled(std::exception_ptr cancelled) {
  error = std::move(cancelled);
  state = FutureState::Cancelled;
  make_callbacks_ready();
}

void FutureBase::add_callback(Runnable& runnable) noexcept {
  callbacks_.push(runnable);
  if (done()) make_callbacks_ready();
}

Handle FutureBase::add_done_callback(std::unique_ptr<DoneCallback> callback) {
  if (done()) loop->check_open();
  callback->loop = loop;
  callback->future = this;
  callback->references = 2;
  capture_context(*callback);
  add_callback(*callback);
  return Handle(callback.release());
}

bool FutureBase::remove_done_callback(const Handle& handle) noexcept {
  Callback* callback = handle.callback();
  if (!callback || !callbacks_.remove(*callback)) return false;
  release(callback);
  return true;
}

bool FutureBase::withdraw(TaskBase& task) noexcept { return callbacks_.remove(task); }

std::exception_ptr FutureBase::take_error() {
  unretrieved = false;
  if (!error || !error_goes) return error;
  error_goes = false;
  return std::exchange(error, make_cancelled());
}

std::exception_ptr FutureBase::make_cancelled() {
  const CancelMessage message = task() ? task()->message() : CancelMessage();
  return std::make_exception_ptr(message ? CancelledError(*message) : CancelledError());
}

bool FutureBase::throws_cancelled() const noexcept {
  if (is_cancelled() || !error) return is_cancelled();
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return true;
  } catch (...) {
    return false;
  }
}

void FutureBase::check_result() {
  if (!done()) throw InvalidStateError("Result is not set.");
  unretrieved = false;
  if (error) std::rethrow_exception(take_error());
}

std::exception_ptr FutureBase::exception() {
  if (!done()) throw InvalidStateError("Exception is not set.");
  if (state == FutureState::Cancelled) std::rethrow_exception(take_error());
  unretrieved = false;
  return error;
}

void FutureBase::wait() {
  if (done()) return;
  TaskBase* task = task_at_the_door();
  if (task) return wait_in_task(*task, *this);
  trap_future(this);
  if (!done()) throw RuntimeError("await wasn't used with future");
}

}  // namespace weft::detail
