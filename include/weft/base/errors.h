// The exceptions that Python has and C++ lacks. Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace weft {

/// The root of every exception that weft defines.
///
/// Kinds that mean "leave now" (CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)
/// derive from BaseException only, so `catch (const std::exception&)` lets them pass. All others
/// derive from Exception, which is a std::exception. Errors of the operating system are
/// std::system_error and have no place in this tree.
///
/// A `catch (...)` that does not rethrow stops a cancellation as surely as `except BaseException`
/// does in Python. Streams of the standard library do so: do not wait inside a streambuf.
///
/// Source: docs.python.org/3/library/exceptions.html
class BaseException {
 public:
  BaseException() = default;
  explicit BaseException(std::string message) { set_message(std::move(message)); }
  BaseException(const BaseException&) = default;
  BaseException(BaseException&&) = default;
  BaseException& operator=(const BaseException&) = default;
  BaseException& operator=(BaseException&&) = default;
  virtual ~BaseException();

  /// The class name, as Python prints it: "CancelledError".
  virtual const char* kind() const noexcept;

  /// The argument; empty if it was made without one.
  const std::string& message() const noexcept;

  /// Tells `Kind("")` from `Kind()`.
  bool has_message() const noexcept { return message_ != nullptr; }

  /// What `raise ... from` would have named; null if nothing.
  /// The RuntimeError that stands for a stray StopIteration has it, and a timeout's TimeoutError.
  const std::exception_ptr& cause() const noexcept { return cause_; }
  void set_cause(std::exception_ptr cause) noexcept { cause_ = std::move(cause); }

 protected:
  void set_message(std::string message) {
    message_ = std::make_shared<const std::string>(std::move(message));
  }

 private:
  std::shared_ptr<const std::string> message_;  // shared: copying an exception must not throw
  std::exception_ptr cause_;
};

/// Errors that a program may handle: everything but the orders to leave.
class Exception : public virtual BaseException, public std::exception {
 public:
  Exception() = default;
  explicit Exception(std::string message) { set_message(std::move(message)); }
  const char* kind() const noexcept override;
  const char* what() const noexcept override;
};

namespace detail {

// What all kinds have in common. The message is set in the body, since an inherited constructor
// does not reach a virtual base.
template <class Self, class Base = Exception>
class Kind : public virtual BaseException, public Base {
 public:
  Kind() = default;
  explicit Kind(std::string message) { this->set_message(std::move(message)); }
  const char* kind() const noexcept override { return Self::kName; }
};

struct NoException {};

}  // namespace detail

/// Thrown into a coroutine that is asked to end: by Task::cancel(), a timeout, a failing group.
/// Let it pass, or rethrow it when your cleanup is done.
class CancelledError : public detail::Kind<CancelledError, detail::NoException> {
 public:
  static constexpr const char* kName = "CancelledError";
  using Kind::Kind;
};

/// Thrown into a suspended generator that is closed or destroyed.
class GeneratorExit : public detail::Kind<GeneratorExit, detail::NoException> {
 public:
  static constexpr const char* kName = "GeneratorExit";
  using Kind::Kind;
};

/// Ctrl-C reached run().
class KeyboardInterrupt : public detail::Kind<KeyboardInterrupt, detail::NoException> {
 public:
  static constexpr const char* kName = "KeyboardInterrupt";
  using Kind::Kind;
};

class SystemExit : public detail::Kind<SystemExit, detail::NoException> {
 public:
  static constexpr const char* kName = "SystemExit";
  using Kind::Kind;
};

/// Misuse of an object in its present state; the message is Python's where Python has one.
class RuntimeError : public detail::Kind<RuntimeError> {
 public:
  static constexpr const char* kName = "RuntimeError";
  using Kind::Kind;
};

/// An argument of the right type and a wrong value; the message names the argument.
class ValueError : public detail::Kind<ValueError> {
 public:
  static constexpr const char* kName = "ValueError";
  using Kind::Kind;
};

class TypeError : public detail::Kind<TypeError> {
 public:
  static constexpr const char* kName = "TypeError";
  using Kind::Kind;
};

/// Something was looked up that is not there: a ContextVar without a value.
class LookupError : public detail::Kind<LookupError> {
 public:
  static constexpr const char* kName = "LookupError";
  using Kind::Kind;
};

/// A delegation needed a method that its target does not have.
class AttributeError : public detail::Kind<AttributeError> {
 public:
  static constexpr const char* kName = "AttributeError";
  using Kind::Kind;
};

/// A time limit was reached. Unlike in Python it is no operating system's error.
class TimeoutError : public detail::Kind<TimeoutError> {
 public:
  static constexpr const char* kName = "TimeoutError";
  using Kind::Kind;
};

/// A future was asked for what it does not have yet, or told twice.
class InvalidStateError : public detail::Kind<InvalidStateError> {
 public:
  static constexpr const char* kName = "InvalidStateError";
  using Kind::Kind;
};

/// A generator has ended; carries what it returned.
///
/// Steps tell the end of a generator without an exception (Step::done()). StopIteration is what a
/// step throws when it is asked for a value that does not exist, and what a hand-written iterator
/// may throw to end itself.
///
/// Source: PEP 380, PEP 479
class StopIteration : public detail::Kind<StopIteration> {
 public:
  static constexpr const char* kName = "StopIteration";
  using Kind::Kind;

  /// A StopIteration that carries `result`.
  template <class T>
  static StopIteration with(T result) {
    StopIteration stop;
    stop.type_ = &typeid(T);
    stop.value_ = std::make_shared<T>(std::move(result));
    return stop;
  }

  bool has_value() const noexcept { return value_ != nullptr; }

  /// The returned value, to read or to move out of; null if there is none of this type.
  template <class T>
  T* value() const noexcept {
    return type_ && *type_ == typeid(T) ? static_cast<T*>(value_.get()) : nullptr;
  }

 private:
  const std::type_info* type_ = nullptr;
  std::shared_ptr<void> value_;
};

/// The same for asynchronous iteration.
class StopAsyncIteration : public detail::Kind<StopAsyncIteration> {
 public:
  static constexpr const char* kName = "StopAsyncIteration";
  using Kind::Kind;
};

/// "ValueError('x')" of any exception, also of foreign ones (their demangled type and what()).
std::string describe(const std::exception_ptr& error);

/// The readable name of a type.
std::string type_name(const std::type_info& type);

}  // namespace weft
