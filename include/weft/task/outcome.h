// A result or an exception, to look at later. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <exception>
#include <utility>

#include <weft/coro/step.h>

namespace weft {

/// What a task came to: its result, or the exception that it ended with.
///
/// `gather(return_exceptions, f, g)` gives them.
template <class T = void>
class Outcome {
 public:
  using Result = T;

  explicit Outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}
  Outcome() noexcept
    requires std::is_void_v<T>
  = default;
  template <class U>
    requires(!std::is_void_v<T> && std::constructible_from<T, U> &&
             !std::same_as<std::decay_t<U>, Outcome> &&
             !std::same_as<std::decay_t<U>, std::exception_ptr>)
  explicit Outcome(U&& value) {
    value_.emplace(std::forward<U>(value));
  }

  /// True if there is a result.
  explicit operator bool() const noexcept { return !error_; }

  /// Null if there is a result.
  const std::exception_ptr& exception() const noexcept { return error_; }

  /// Throws: the exception, if there is one.
  decltype(auto) result() & { return get(*this); }
  decltype(auto) result() const& { return get(*this); }
  T result() && {
    if constexpr (std::is_void_v<T>)
      get(*this);
    else
      return std::forward<T>(get(*this));
  }

 private:
  template <class Self>
  static decltype(auto) get(Self& self) {
    if (self.error_) std::rethrow_exception(self.error_);
    if constexpr (std::is_reference_v<T>)
      return self.value_->get();
    else if constexpr (!std::is_void_v<T>)
      return (*self.value_);
  }

  detail::ResultSlot<T> value_;
  std::exception_ptr error_;
};

}  // namespace weft
