// Asking a loop for something from another thread. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <weft/task/task.h>

namespace weft {

namespace detail {

/// What a loop and another thread share; all of it is under the mutex.
class ConcurrentBase {
 public:
  explicit ConcurrentBase(EventLoop& loop) noexcept : loop_(&loop) {}
  ConcurrentBase(const ConcurrentBase&) = delete;
  ConcurrentBase& operator=(const ConcurrentBase&) = delete;

  bool done() const;
  bool cancelled() const;
  /// `cancel_task` is called on the loop's thread.
  bool cancel(const std::function<void()>& cancel_task);
  /// Blocks. Throws: TimeoutError; RuntimeError on the loop's thread.
  void wait(std::optional<Duration> limit) const;
  std::exception_ptr error() const;  // of one that is done

  // For the loop's thread.
  /// False if it was done. `store`, if any, puts the result in place.
  bool finish(std::exception_ptr error, bool cancelled, const std::function<void()>& store);

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  EventLoop* loop_;  // null when it is done: it may be gone then
  bool done_ = false;
  bool cancelled_ = false;
  std::exception_ptr error_;
};

template <class T>
struct ConcurrentState : ConcurrentBase {
  ResultSlot<T> result;
  FutureBase* task = nullptr;  // the loop's thread's
  using ConcurrentBase::ConcurrentBase;
};

/// The loop's side: in the callback that makes the task, then in the task's callback. If it goes
/// without a result, there will be none.
template <class T>
class ConcurrentPromise {
 public:
  explicit ConcurrentPromise(std::shared_ptr<ConcurrentState<T>> state) noexcept
      : state_(std::move(state)) {}
  ConcurrentPromise(ConcurrentPromise&&) noexcept = default;
  ConcurrentPromise& operator=(ConcurrentPromise&&) = delete;
  ~ConcurrentPromise() {
    if (!state_) return;
    state_->task = nullptr;
    state_->finish(std::make_exception_ptr(CancelledError()), true, nullptr);
  }

  /// The task ends in time to tell of it, or goes.
  void follow(const Task<T>& task) && {
    state_->task = Access::state(task);
    task.add_done_callback(
        [promise = std::move(*this)](const Future<T>& ended) { promise.take(ended); });
  }
  void fail(std::exception_ptr error) const { state_->finish(std::move(error), false, nullptr); }
  bool wanted() const { return !state_->done(); }

 private:
  void take(const Future<T>& ended) const {
    if (ended.cancelled()) return;  // as if it were gone
    if (std::exception_ptr error = ended.exception()) return fail(std::move(error));
    state_->finish(nullptr, false, [&] {
      if constexpr (!std::is_void_v<T>) state_->result.emplace(ended.result());
    });
  }

  std::shared_ptr<ConcurrentState<T>> state_;
};

}  // namespace detail

/// The result of a task on another thread's loop. Handles refer to one result.
///
/// Thread: any but the loop's, which it would block. Source: concurrent.futures.Future
template <class T = void>
class ConcurrentFuture {
 public:
  using Result = T;

  explicit ConcurrentFuture(std::shared_ptr<detail::ConcurrentState<T>> state) noexcept
      : state_(std::move(state)) {}

  bool done() const { return state_->done(); }
  bool cancelled() const { return state_->cancelled(); }

  /// Ends it with CancelledError, and has the task cancelled. False if it was done.
  bool cancel() const {
    return state_->cancel([state = state_] {
      if (state->task) state->task->cancel({});
    });
  }

  /// What the task ended with. A result that cannot be copied is moved out. Blocks the thread until
  /// it is there, for `limit` of real time at most.
  ///
  /// Throws: what the task threw; CancelledError, also if the loop was closed before; TimeoutError:
  ///         the task goes on. RuntimeError on the loop's own thread, if it is not done.
  T result(std::optional<Duration> limit = {}) const {
    state_->wait(limit);
    if (const std::exception_ptr error = state_->error()) std::rethrow_exception(error);
    if constexpr (std::is_void_v<T>)
      return;
    else if constexpr (std::copy_constructible<T>)
      return *state_->result;
    else
      return std::move(*state_->result);
  }

  /// Null if there is a result. Blocks and throws as result(), but for what the task threw.
  std::exception_ptr exception(std::optional<Duration> limit = {}) const {
    state_->wait(limit);
    if (state_->cancelled()) std::rethrow_exception(state_->error());
    return state_->error();
  }

 private:
  std::shared_ptr<detail::ConcurrentState<T>> state_;
};

/// Makes a task of `loop` from another thread: of a function or a coroutine that has not started.
///
///     int value = run_coroutine_threadsafe(loop, [] { return compute(); }).result();
///
/// Requires: `loop` lives, or is closed before it goes; and it runs, or there is no result.
/// Throws:   RuntimeError if the loop is closed.
/// Thread:   any. Source: asyncio.run_coroutine_threadsafe
template <class What>
auto run_coroutine_threadsafe(EventLoop& loop, What&& what) {
  using T = typename decltype(create_task(std::declval<std::decay_t<What>>()))::Result;
  auto state = std::make_shared<detail::ConcurrentState<T>>(loop);
  loop.call_soon_threadsafe([promise = detail::ConcurrentPromise<T>(state),
                             stored = std::decay_t<What>(std::forward<What>(what))]() mutable {
    if (!promise.wanted()) return;
    std::move(promise).follow(create_task(TaskOptions{.where = {}}, std::move(stored)));
  });
  return ConcurrentFuture<T>(std::move(state));
}

}  // namespace weft
