// What one step of a generator or coroutine came to. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/base/errors.h>
#include <weft/coro/routine.h>

namespace weft {

class Trap;

namespace detail {

template <class R>
struct Stored {
  using Type = R;
};
template <>
struct Stored<void> {
  using Type = char;
};
template <class R>
struct Stored<R&> {
  using Type = std::reference_wrapper<R>;
};

/// Where a result is put; for void there is none.
template <class R>
using ResultSlot = std::optional<typename Stored<R>::Type>;

/// How a step refers to what was yielded; a trap is itself a reference.
template <class Yield>
using ValueHolder = std::conditional_t<std::is_same_v<Yield, Trap>, std::optional<Yield>,
                                       std::remove_reference_t<Yield>*>;

/// A std::unique_ptr that no compiler leaves out of line: so a step can be kept in registers.
template <class T>
class LastValue {
 public:
  LastValue() = default;
  [[gnu::always_inline]] LastValue(LastValue&& other) noexcept
      : it_(std::exchange(other.it_, nullptr)) {}
  [[gnu::always_inline]] LastValue& operator=(LastValue&& other) noexcept {
    std::swap(it_, other.it_);
    return *this;
  }
  [[gnu::always_inline]] ~LastValue() {
    if (it_) [[unlikely]]
      delete it_;
  }
  [[gnu::always_inline]] T* take(std::unique_ptr<T> one) noexcept { return it_ = one.release(); }

 private:
  T* it_ = nullptr;
};

/// Python's None where the type has one.
template <class R>
R none_or_raise(const char* message) {
  if constexpr (std::is_void_v<R>)
    return;
  else if constexpr (kIsOptional<R>)
    return R();
  else
    throw RuntimeError(message);
}

}  // namespace detail

/// The outcome of next(), send() or throw_(): a value was yielded, or the body has returned. (What
/// the body threw is thrown by the call itself.)
///
/// A yielded value is not copied: the step refers to it on the generator's stack, so it is good
/// until that generator is resumed or destroyed. It may be moved from.
///
/// Source: PyIter_Send() of CPython's C API
template <class Yield, class Return = void>
class Step {
 public:
  using Value = std::remove_reference_t<Yield>;
  using Result = Return;

  /// For hand-written iterators.
  static Step yielded(Value& value) noexcept {
    Step step;
    step.value_ = &value;
    return step;
  }
  static Step returned() noexcept { return Step(); }
  template <class T>
    requires(!std::is_void_v<Return>) && std::constructible_from<Return, T>
  static Step returned(T&& result) {
    Step step;
    step.result_.emplace(std::forward<T>(result));
    return step;
  }

  /// True once the body has returned.
  bool done() const noexcept { return !value_; }
  explicit operator bool() const noexcept { return bool(value_); }

  /// What was yielded.
  ///
  /// Throws: StopIteration if the body has returned; it carries the result if that can be copied.
  Value& value() const
    requires(!std::is_same_v<Yield, Trap>)
  {
    if (!value_) [[unlikely]]
      raise_stop();
    return *value_;
  }

  const Trap& value() const
    requires std::is_same_v<Yield, Trap>
  {
    if (!value_) raise_stop();
    return *value_;
  }

  /// True if done() and the body returned something, now: a finished generator that is resumed
  /// again is done without a result.
  bool has_result() const noexcept { return result_.has_value(); }

  /// What the body returned. For a std::optional, nothing counts as std::nullopt.
  ///
  /// Throws: InvalidStateError if there is no result.
  Return result()
    requires(!std::is_void_v<Return>)
  {
    if (result_) return std::move(*result_);
    if constexpr (detail::kIsOptional<Return>)
      if (!value_) return Return();
    throw InvalidStateError("Result is not set.");
  }
  void result() const
    requires std::is_void_v<Return>
  {
    if (value_) throw InvalidStateError("Result is not set.");
  }

  // For the calls that make steps.
  detail::ResultSlot<Return>& slot() noexcept { return result_; }
  void* place() noexcept { return std::is_void_v<Return> ? nullptr : &result_; }  // for a result
  void set_value(void* value) noexcept { value_ = static_cast<Value*>(value); }
  void set_value(const Yield& trap) noexcept
    requires std::is_same_v<Yield, Trap>
  {
    value_ = trap;
  }

  /// The generator is about to be destroyed under the value: `copy` is it from now on.
  void keep(std::unique_ptr<std::remove_const_t<Value>> copy) noexcept {
    value_ = kept_.take(std::move(copy));
  }

 private:
  [[noreturn]] void raise_stop() const {
    if constexpr (std::copyable<Return>)
      if (result_) throw StopIteration::with(*result_);
    throw StopIteration();
  }

  detail::ValueHolder<Yield> value_{};
  detail::LastValue<std::remove_const_t<Value>> kept_;
  detail::ResultSlot<Return> result_;
};

}  // namespace weft
