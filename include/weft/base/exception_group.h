// Several exceptions as one. Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <weft/base/errors.h>

namespace weft {

namespace detail {

template <class E>
bool is_kind(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace detail

/// Exceptions that came up side by side, with a message that says where. Groups may hold groups.
///
/// It derives from BaseException only, since it may hold a KeyboardInterrupt; one whose members all
/// are Exceptions is an ExceptionGroup: see make_exception_group().
///
/// Copies share their members. Source: PEP 654
class BaseExceptionGroup : public virtual BaseException {
 public:
  /// Throws: ValueError if there are no exceptions, or one of them is null.
  BaseExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);

  const char* kind() const noexcept override;
  const std::vector<std::exception_ptr>& exceptions() const noexcept { return *exceptions_; }

  /// The exceptions at the ends of the tree, in order: no groups.
  std::vector<std::exception_ptr> flatten() const;

  using Predicate = std::function<bool(const std::exception_ptr&)>;

  /// Two groups of the same shape, each null if it were empty.
  struct Split {
    std::exception_ptr match;
    std::exception_ptr rest;
  };

  /// Divides the members, at any depth, by what `matches` says. It is asked about groups as well,
  /// before it is about their members; one that matches is taken whole.
  Split split(const Predicate& matches) const;
  /// The same by type: `group.split<TimeoutError>()`.
  template <class E>
  Split split() const {
    return split(detail::is_kind<E>);
  }

  /// What matches, in a group of the same shape; null if nothing does.
  std::exception_ptr subgroup(const Predicate& matches) const { return split(matches).match; }
  template <class E>
  std::exception_ptr subgroup() const {
    return split<E>().match;
  }

  /// A group with the same message and other members: what split() makes its groups by. Override
  /// it in a class of your own, so that they are of that class.
  virtual std::exception_ptr derive(std::vector<std::exception_ptr> exceptions) const;

 private:
  std::exception_ptr derive_with_cause(std::vector<std::exception_ptr> exceptions) const;
  static Split split_one(const std::exception_ptr& error, const Predicate& matches);

  std::shared_ptr<const std::vector<std::exception_ptr>> exceptions_;
};

/// A group of Exceptions, and so an Exception itself: `catch (const std::exception&)` takes it.
class ExceptionGroup : public BaseExceptionGroup, public Exception {
 public:
  /// Throws: as for BaseExceptionGroup; TypeError if a member is no Exception.
  ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);

  const char* kind() const noexcept override;
  /// The message, and how many members there are.
  const char* what() const noexcept override { return what_->c_str(); }

 private:
  std::shared_ptr<const std::string> what_;
};

/// An ExceptionGroup if all members are Exceptions (as are those that are not weft's), else a
/// BaseExceptionGroup.
///
/// Throws: ValueError if there are no exceptions, or one of them is null.
std::exception_ptr make_exception_group(std::string message,
                                        std::vector<std::exception_ptr> exceptions);

/// Any exception in lines of text, as Python prints it: causes first, groups as a tree.
///
///       | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
///       +-+---------------- 1 ----------------
///         | ValueError: bad port
///         +---------------- 2 ----------------
///         | TimeoutError
///         +------------------------------------
std::string format_exception(const std::exception_ptr& error);

}  // namespace weft
