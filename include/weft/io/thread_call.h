// The halves of a call in a thread: the job, and the future that a loop has of it. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weft/io/job.h>
#include <weft/task/future.h>
#include <weft/task/wait_queue.h>

namespace weft {

class ThreadPool;

namespace detail {

class Mailbox;

/// The thread's half. It reaches the loop through a mailbox, since that may be gone by then; all
/// other members are the loop's thread's, but for what call() leaves behind.
class ThreadCall : public Job, public std::enable_shared_from_this<ThreadCall> {
 public:
  /// `pool` null: the loop's own. `name` is for messages.
  ThreadCall(const char* name, ThreadPool* pool);

  /// Queues it. The loop keeps `future` until the call has ended or was let go.
  void start(FutureBase& future);

  /// Suspends until it has begun, if the queue was full.
  void wait_for_room();

  /// What cancel() of the future does. With `waits` a call that has begun is left to its end.
  bool cancel(FutureBase& future, const CancelMessage& message, bool waits);

  /// The loop is closed: nobody waits any more.
  void drop() noexcept;

  /// At the end of the frame that waits: if that ends before the call (it was destroyed, or an
  /// exception was thrown into it), the call is taken back or let go. With `waits` it may refer to
  /// the frame, and one that has begun blocks it until it is over.
  class End {
   public:
    End(ThreadCall& call, bool waits) noexcept;
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End();

   private:
    std::shared_ptr<ThreadCall> call_;
    bool waits_;
  };

 protected:
  std::exception_ptr error_;  // what the call threw

 private:
  void begun() noexcept override;
  void done(std::shared_ptr<Job> self) noexcept override;
  /// Moves the result.
  virtual void deliver(FutureBase& future) = 0;
  void finish();
  void let_go() noexcept;

  const char* name_;
  std::shared_ptr<Workers> workers_;
  std::shared_ptr<Mailbox> mailbox_;
  LoopCore& loop_;
  FutureBase* future_ = nullptr;  // null: nobody waits
  Waiter* room_ = nullptr;        // waits until it has begun
  bool late_ = false;             // the queue was full
};

/// The loop's half.
template <class R>
struct ThreadFuture final : FutureOf<R> {
  std::shared_ptr<ThreadCall> call;
  bool waits;

  ThreadFuture(LoopCore& core, std::shared_ptr<ThreadCall> c, bool w)
      : FutureOf<R>(core), call(std::move(c)), waits(w) {}
  bool cancel(const CancelMessage& message) override { return call->cancel(*this, message, waits); }
};

template <class R, class F>
class ThreadCallOf final : public ThreadCall {
 public:
  using Result = R;
  template <class G>
  ThreadCallOf(const char* name, ThreadPool* pool, G&& function)
      : ThreadCall(name, pool), function_(std::forward<G>(function)) {}

 private:
  void call() noexcept override {
    try {
      if constexpr (std::is_void_v<R>)
        function_();
      else
        result_.emplace(function_());
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  void deliver(FutureBase& future) override {
    if constexpr (!std::is_void_v<R>)
      static_cast<ThreadFuture<R>&>(future).result.emplace(std::move(*result_));
  }

  F function_;
  ResultSlot<R> result_;
};

template <class F, class... Args>
auto make_call(const char* name, ThreadPool* pool, F&& function, Args&&... args) {
  using R = std::decay_t<std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>...>>;
  auto bound =
      [f = std::decay_t<F>(std::forward<F>(function)),
       stored = std::make_tuple(std::decay_t<Args>(std::forward<Args>(args))...)]() mutable -> R {
    return std::apply(f, std::move(stored));
  };
  return std::make_shared<ThreadCallOf<R, decltype(bound)>>(name, pool, std::move(bound));
}

template <class R>
Future<R> start_call(const std::shared_ptr<ThreadCall>& call, bool waits) {
  auto* future = new ThreadFuture<R>(*running_loop, call, waits);
  const auto handle = Access::make<Future<R>>(future);
  call->start(*future);
  return handle;
}

}  // namespace detail

}  // namespace weft
