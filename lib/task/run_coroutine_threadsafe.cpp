#include <weft/task/run_coroutine_threadsafe.h>

#include <weft/base/errors.h>

namespace weft::detail {

bool ConcurrentBase::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

bool ConcurrentBase::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

bool ConcurrentBase::cancel(const std::function<void()>& cancel_task) {
  const std::lock_guard lock(mutex_);
  if (done_) return false;
  try {
    loop_->call_soon_threadsafe(cancel_task);
  } catch (const RuntimeError&) {  // it is being closed, and its tasks with it
  }
  error_ = std::make_exception_ptr(CancelledError());
  done_ = cancelled_ = true;
  loop_ = nullptr;
  changed_.notify_all();
  return true;
}

void ConcurrentBase::wait(std::optional<Duration> limit) const {
  std::unique_lock lock(mutex_);
  if (done_) return;
  if (running_loop && running_loop->owner == loop_)
    throw RuntimeError("result: it would block the loop that it waits for");
  const auto is_done = [this] { return done_; };
  if (!limit) return changed_.wait(lock, is_done);
  if (!changed_.wait_for(lock, *limit, is_done)) throw TimeoutError();
}

std::exception_ptr ConcurrentBase::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

bool ConcurrentBase::finish(std::exception_ptr error, bool cancelled,
                            const std::function<void()>& store) {
  const std::lock_guard lock(mutex_);
  if (done_) return false;
  if (store) {
    try {
      store();
    } catch (...) {
      error = std::current_exception();
    }
  }
  error_ = std::move(error);
  done_ = true;
  cancelled_ = cancelled;
  loop_ = nullptr;
  changed_.notify_all();
  return true;
}

}  // namespace weft::detail
