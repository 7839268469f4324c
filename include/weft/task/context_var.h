// Values that belong to a task. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <weft/base/errors.h>

namespace weft {

namespace detail {

struct ContextData;
void retain(ContextData& data) noexcept;
void release(ContextData* data) noexcept;

/// Null is an empty context that nobody has named.
class ContextRef {
 public:
  ContextRef() noexcept = default;
  explicit ContextRef(ContextData* data) noexcept : data_(data) {}  // takes over one reference
  ContextRef(const ContextRef& other) noexcept : data_(other.data_) {
    if (data_) retain(*data_);
  }
  ContextRef(ContextRef&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  ContextRef& operator=(ContextRef other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~ContextRef() {
    if (data_) release(data_);
  }
  ContextData* get() const noexcept { return data_; }
  ContextData* give() noexcept { return std::exchange(data_, nullptr); }

 private:
  ContextData* data_ = nullptr;
};

using ContextValue = std::shared_ptr<const void>;

/// Of the present context: null if it has none of this variable.
ContextValue find_in_context(std::uint64_t variable) noexcept;
/// Null takes it out. Returns what it was, and which context that is in.
ContextValue exchange_in_context(std::uint64_t variable, ContextValue value);
ContextRef present_context();  // named from here on
/// Null if the present one is empty.
ContextRef copy_of_present_context();
std::uint64_t new_variable() noexcept;
[[noreturn]] void raise_no_value(const std::string& name);

struct TokenState {
  std::uint64_t variable = 0;
  ContextRef context;
  ContextValue old;
  bool used = false;
};
void reset_in_context(std::uint64_t variable, TokenState& token);

}  // namespace detail

/// The values that all variables have for somebody. Each task has one of its own: a copy of its
/// creator's, made with the task; what it sets is not seen elsewhere. A callback runs in a copy of
/// the context in which it was scheduled; that of a descriptor or a signal in the copy that was
/// made when it was added, each time in the same. to_thread() takes a copy into its thread.
///
/// Handles refer to one context. Copying a context takes the same time whatever is in it, and code
/// that sets no variable pays nothing.
///
/// Thread: any, one at a time. Source: PEP 567, contextvars
class Context {
 public:
  /// An empty one.
  Context();
  explicit Context(detail::ContextRef data) noexcept : data_(std::move(data)) {}

  /// How many variables have a value.
  std::size_t size() const noexcept;

  /// Calls `function()` with this as the present context: what it sets stays in here.
  ///
  /// Throws: RuntimeError if the context has been entered already; what `function` throws.
  template <std::invocable F>
  decltype(auto) run(F&& function) {
    const Entered entered(data_);
    return std::forward<F>(function)();
  }

  friend bool operator==(const Context& a, const Context& b) noexcept {
    return a.data_.get() == b.data_.get();
  }

  // For those that run things in it.
  const detail::ContextRef& data() const noexcept { return data_; }

 private:
  class Entered {
   public:
    explicit Entered(detail::ContextRef context);
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    ~Entered();

   private:
    detail::ContextRef context_;
    detail::ContextRef previous_;
  };

  detail::ContextRef data_;
};

/// A copy of the present context. Source: contextvars.copy_context
Context copy_context();

/// A variable that has a value of its own in each context, so in each task:
///
///     ContextVar<std::string> user("user");  // at namespace scope
///
/// Thread: any; each thread has a context of its own outside loops. Source: contextvars.ContextVar
template <std::copyable T>
class ContextVar {
 public:
  /// What set() gives: the way back.
  class Token {
   private:
    friend class ContextVar;
    std::shared_ptr<detail::TokenState> state_ = std::make_shared<detail::TokenState>();
  };

  explicit ContextVar(std::string name) : name_(std::move(name)) {}
  ContextVar(std::string name, T default_value)
      : name_(std::move(name)), default_(std::move(default_value)) {}
  ContextVar(const ContextVar&) = delete;
  ContextVar& operator=(const ContextVar&) = delete;

  const std::string& name() const noexcept { return name_; }

  /// The value in the present context, or the default.
  ///
  /// Throws: LookupError if there is neither.
  T get() const {
    if (const auto value = find()) return *value;
    if (!default_) detail::raise_no_value(name_);
    return *default_;
  }
  /// The value in the present context, or else `fallback`.
  T get(T fallback) const {
    if (const auto value = find()) return *value;
    return fallback;
  }

  Token set(T value) {
    Token token;
    token.state_->variable = id_;
    token.state_->old =
        detail::exchange_in_context(id_, std::make_shared<const T>(std::move(value)));
    token.state_->context = detail::present_context();
    return token;
  }

  /// Back to what it was before the set() that gave the token.
  ///
  /// Throws: RuntimeError if the token has been used; ValueError if it is of another variable, or
  ///         of another context.
  void reset(const Token& token) { detail::reset_in_context(id_, *token.state_); }

 private:
  std::shared_ptr<const T> find() const noexcept {
    return std::static_pointer_cast<const T>(detail::find_in_context(id_));
  }

  std::string name_;
  std::optional<T> default_;
  std::uint64_t id_ = detail::new_variable();
};

}  // namespace weft
