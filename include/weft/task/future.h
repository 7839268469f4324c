// A result to come. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <weft/base/errors.h>
#include <weft/coro/await.h>
#include <weft/task/future_base.h>

namespace weft {

namespace detail {

template <class T>
struct FutureOf : FutureBase {
  ResultSlot<T> result;
  using FutureBase::FutureBase;

  T take(bool last) {
    check_result();
    if constexpr (!std::is_void_v<T>) {
      if (!result) throw InvalidStateError("the result has been moved out");
      if constexpr (std::copy_constructible<T>) {
        if (!last) return *result;
      }
      T value = std::move(*result);
      if (!last) result.reset();
      return value;
    }
  }
};

}  // namespace detail

/// A result that somebody will set: tasks wait for it. Handles are references to one future, and
/// copies of a handle mean the same one.
///
/// Thread: the loop's; from another one, `loop.call_soon_threadsafe([=] { f.set_result(1); })`.
/// Source: asyncio.Future
template <class T = void>
class Future {
 public:
  using Result = T;

  /// A pending future of `loop`.
  explicit Future(EventLoop& loop = get_running_loop())
      : state_(new detail::FutureOf<T>(detail::core_of(loop))) {}

  Future(const Future& other) noexcept : state_(other.state_) {
    if (state_) detail::retain(*state_);
  }
  Future(Future&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Future& operator=(Future other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Future() { detail::release(state_); }

  /// Throws: InvalidStateError if it is done; RuntimeError if it is a task.
  template <class U>
    requires(!std::is_void_v<T>) && std::constructible_from<T, U>
  void set_result(U&& value) const {
    state_->check_settable("set_result");
    state_->result.emplace(std::forward<U>(value));
    state_->finish();
  }
  void set_result() const
    requires std::is_void_v<T>
  {
    state_->check_settable("set_result");
    state_->finish();
  }

  /// Throws: InvalidStateError if it is done; RuntimeError if it is a task; TypeError for a
  ///         StopIteration, which a coroutine could not be given.
  void set_exception(std::exception_ptr error) const { state_->set_exception(std::move(error)); }
  template <class E>
    requires(!std::same_as<std::decay_t<E>, std::exception_ptr>)
  void set_exception(E&& error) const {
    set_exception(std::make_exception_ptr(std::forward<E>(error)));
  }

  /// What it ended with. A result that cannot be copied is moved out, and there once.
  ///
  /// Throws: the exception it was given; CancelledError; InvalidStateError if it is pending.
  T result() const { return state_->take(false); }

  /// Null if it has a result. Throws: CancelledError; InvalidStateError if it is pending.
  std::exception_ptr exception() const { return state_->exception(); }

  bool done() const noexcept { return state_->done(); }
  bool cancelled() const noexcept { return state_->state == detail::FutureState::Cancelled; }

  /// Ends it with a CancelledError. False if it was done.
  bool cancel(const CancelMessage& message = {}) const { return state_->cancel(message); }

  /// Runs `function(future)` or `function()` in a later turn, once it is done. Cancel the handle to
  /// take it back. Callbacks and waiting tasks run in the order in which they came.
  ///
  /// Throws: RuntimeError if it is done, and the loop is closed.
  template <class F>
  Handle add_done_callback(F&& function) const {
    return state_->add_done_callback(
        std::make_unique<DoneCallbackOf<std::decay_t<F>>>(std::forward<F>(function)));
  }

  /// Takes a callback back. False if it is on its way or has run already, or is not this future's.
  bool remove_done_callback(const Handle& callback) const noexcept {
    return state_->remove_done_callback(callback);
  }

  /// Suspends:  until it is done; not at all if it is.
  /// Cancelled: the future is cancelled too, as in asyncio; shield() prevents that.
  /// Throws:    as result(). RuntimeError outside a coroutine or task.
  T await() const& {
    const Future kept(*this);  // the handle may go meanwhile
    kept.state_->wait();
    return kept.state_->take(false);
  }
  T await() && {
    const Future kept(std::move(*this));
    kept.state_->wait();
    return kept.state_->take(kept.state_->references == 1);
  }

  friend bool operator==(const Future& a, const Future& b) noexcept = default;

 protected:
  friend struct detail::Access;
  explicit Future(detail::FutureOf<T>* state) noexcept : state_(state) {}

  detail::FutureOf<T>* state_;

 private:
  template <class F>
  struct DoneCallbackOf final : detail::DoneCallback {
    F function;
    template <class G>
    explicit DoneCallbackOf(G&& f) : function(std::forward<G>(f)) {}
    void invoke() override {
      if constexpr (std::invocable<F&, const Future&>) {
        detail::retain(*this->future);
        const Future handle(static_cast<detail::FutureOf<T>*>(this->future));
        function(handle);
      } else {
        function();
      }
    }
  };
};

/// Any future or task, of whatever result, for lists of different ones.
class AnyFuture {
 public:
  using Result = void;

  template <class T>
  AnyFuture(const Future<T>& future) noexcept : AnyFuture(*detail::Access::state(future)) {}
  explicit AnyFuture(detail::FutureBase& state) noexcept : state_(&state) {
    detail::retain(state);
  }
  AnyFuture(const AnyFuture& other) noexcept : AnyFuture(*other.state_) {}
  AnyFuture& operator=(AnyFuture other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~AnyFuture() { detail::release(state_); }

  /// Of a task; else empty.
  std::string name() const { return state_->name(); }
  bool done() const noexcept { return state_->done(); }
  bool cancelled() const noexcept { return state_->is_cancelled(); }
  bool cancel(const CancelMessage& message = {}) const { return state_->cancel(message); }
  std::exception_ptr exception() const { return state_->exception(); }

  /// Throws what it ended with, if that is no result. InvalidStateError if it is pending.
  void result() const { state_->check_result(); }

  /// As Future::await().
  void await() const {
    const AnyFuture kept(*this);
    kept.state_->wait();
    kept.state_->check_result();
  }

  friend bool operator==(const AnyFuture& a, const AnyFuture& b) noexcept = default;

 private:
  friend struct detail::Access;
  detail::FutureBase* state_;
};

namespace detail {

template <class T>
inline constexpr bool kAwaitsPlainly<Future<T>> = true;
template <>
inline constexpr bool kAwaitsPlainly<AnyFuture> = true;

template <class T>
inline constexpr bool kIsFuture = false;
template <class T>
inline constexpr bool kIsFuture<Future<T>> = true;
template <>
inline constexpr bool kIsFuture<AnyFuture> = true;

}  // namespace detail

}  // namespace weft
