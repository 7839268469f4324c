// Limits in time for anything that waits. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/loop/clock.h>
#include <weft/task/task.h>

namespace weft {

/// The limit that a body runs under; the body may move it. It serves for one body:
///
///     Timeout limit(deadline);
///     timeout(limit, [&] { ... });
///
/// Source: asyncio.Timeout
class Timeout {
 public:
  explicit Timeout(std::optional<TimePoint> when) noexcept : when_(when) {}
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;

  /// None: no limit.
  std::optional<TimePoint> when() const noexcept { return when_; }

  /// True once the limit has been reached.
  bool expired() const noexcept { return state_ == State::Expiring || state_ == State::Expired; }

  /// Throws: RuntimeError if its body has not begun, it has expired, or its body has ended.
  void reschedule(std::optional<TimePoint> when);

  // For timeout(): around the body.
  void enter();
  /// Throws: TimeoutError in place of the CancelledError that it caused.
  void leave(std::exception_ptr error);

 private:
  enum class State : unsigned char { Created, Entered, Expiring, Expired, Exited };
  void expire();

  State state_ = State::Created;
  std::optional<TimePoint> when_;
  std::optional<AnyTask> task_;
  int cancelling_ = 0;
  Handle timer_;
};

namespace detail {

template <class F>
decltype(auto) call_body(F& body, Timeout& limit) {
  if constexpr (std::invocable<F&, Timeout&>)
    return body(limit);
  else
    return body();
}

template <class F>
auto run_under(Timeout& limit, F& body) {
  using R = decltype(call_body(body, limit));
  limit.enter();
  ResultSlot<R> result;
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<R>)
      call_body(body, limit);
    else
      result.emplace(call_body(body, limit));
  } catch (...) {
    error = std::current_exception();
  }
  limit.leave(std::move(error));
  if constexpr (!std::is_void_v<R>) return R(std::move(*result));
}

}  // namespace detail

/// Runs `body()` or `body(Timeout&)`, and gives its result. If it still runs after `limit` (none:
/// no limit), the task is cancelled where it waits, and once the body has ended by that,
/// TimeoutError is thrown in place of CancelledError.
///
/// Suspends:  as the body does.
/// Cancelled: a cancellation from elsewhere stays a CancelledError.
/// Throws:    TimeoutError; what the body throws. RuntimeError outside a task.
/// Source:    asyncio.timeout
template <class F>
auto timeout(std::optional<Duration> limit, F&& body) {
  std::optional<TimePoint> when;
  if (limit) when = saturating_add(get_running_loop().time(), *limit);
  Timeout scope(when);
  return detail::run_under(scope, body);
}

/// The same, until a point in the loop's time.
template <class F>
auto timeout_at(std::optional<TimePoint> when, F&& body) {
  Timeout scope(when);
  return detail::run_under(scope, body);
}

/// The same with a limit that has been made before. Throws: RuntimeError if it has had a body.
template <class F>
auto timeout(Timeout& limit, F&& body) {
  return detail::run_under(limit, body);
}

}  // namespace weft
