#include <weft/base/exception_group.h>

#include <utility>

#include <fmt/format.h>

namespace weft {

namespace {

/// Kinds that are not ours count as Exceptions.
bool is_exception(const std::exception_ptr& error) {
  return detail::is_kind<Exception>(error) || !detail::is_kind<BaseException>(error);
}

std::string with_count(const std::string& message, std::size_t count) {
  return fmt::format("{} ({} sub-exception{})", message, count, count == 1 ? "" : "s");
}

}  // namespace

BaseExceptionGroup::BaseExceptionGroup(std::string message,
                                       std::vector<std::exception_ptr> exceptions) {
  if (exceptions.empty())
    throw ValueError("second argument (exceptions) must be a non-empty sequence");
  for (std::size_t i = 0; i < exceptions.size(); ++i)
    if (!exceptions[i])
      throw ValueError(
          fmt::format("Item {} of second argument (exceptions) is not an exception", i));
  set_message(std::move(message));
  exceptions_ = std::make_shared<const std::vector<std::exception_ptr>>(std::move(exceptions));
}

const char* BaseExceptionGroup::kind() const noexcept { return "BaseExceptionGroup"; }

std::vector<std::exception_ptr> BaseExceptionGroup::flatten() const {
  std::vector<std::exception_ptr> leaves;
  for (const std::exception_ptr& each : exceptions()) {
    try {
      std::rethrow_exception(each);
    } catch (const BaseExceptionGroup& group) {
      for (std::exception_ptr& leaf : group.flatten()) leaves.push_back(std::move(leaf));
    } catch (...) {
      leaves.push_back(each);
    }
  }
  return leaves;
}

std::exception_ptr BaseExceptionGroup::derive(std::vector<std::exception_ptr> exceptions) const {
  return make_exception_group(message(), std::move(exceptions));
}

std::exception_ptr BaseExceptionGroup::derive_with_cause(
    std::vector<std::exception_ptr> exceptions) const {
  if (exceptions.empty()) return nullptr;
  std::exception_ptr group = derive(std::move(exceptions));
  if (!cause()) return group;
  try {
    std::rethrow_exception(group);
  } catch (BaseException& derived) {
    derived.set_cause(cause());
  }
  return group;
}

BaseExceptionGroup::Split BaseExceptionGroup::split(const Predicate& matches) const {
  return split_one(derive_with_cause(exceptions()), matches);
}

BaseExceptionGroup::Split BaseExceptionGroup::split_one(const std::exception_ptr& error,
                                                        const Predicate& matches) {
  if (matches(error)) return {error, nullptr};
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& group) {
    std::vector<std::exception_ptr> match;
    std::vector<std::exception_ptr> rest;
    for (const std::exception_ptr& each : group.exceptions()) {
      Split part = split_one(each, matches);
      if (part.match) match.push_back(std::move(part.match));
      if (part.rest) rest.push_back(std::move(part.rest));
    }
    return {group.derive_with_cause(std::move(match)), group.derive_with_cause(std::move(rest))};
  } catch (...) {
    return {nullptr, error};
  }
}

ExceptionGroup::ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions)
    : BaseExceptionGroup(std::move(message), std::move(exceptions)) {
  for (const std::exception_ptr& each : this->exceptions())
    if (!is_exception(each)) throw TypeError("Cannot nest BaseExceptions in an ExceptionGroup");
  what_ =
      std::make_shared<const std::string>(with_count(this->message(), this->exceptions().size()));
}

const char* ExceptionGroup::kind() const noexcept { return "ExceptionGroup"; }

std::exception_ptr make_exception_group(std::string message,
                                        std::vector<std::exception_ptr> exceptions) {
  for (const std::exception_ptr& each : exceptions)
    if (each && !is_exception(each))
      return std::make_exception_ptr(BaseExceptionGroup(std::move(message), std::move(exceptions)));
  return std::make_exception_ptr(ExceptionGroup(std::move(message), std::move(exceptions)));
}

namespace {

/// Prints line by line, each behind the margin of the groups it is in.
class Printer {
 public:
  std::string text;

  void print(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const BaseExceptionGroup& group) {
      print_cause(group);
      print_group(group);
    } catch (const BaseException& one) {
      print_cause(one);
      print_lines(one.has_message() ? fmt::format("{}: {}", one.kind(), one.message())
                                    : one.kind());
    } catch (const std::exception& one) {
      print_lines(fmt::format("{}: {}", type_name(typeid(one)), one.what()));
    } catch (...) {
      print_lines(describe(std::current_exception()));
    }
  }

 private:
  void print_lines(const std::string& lines) {
    for (std::size_t from = 0; from <= lines.size();) {
      const std::size_t end = std::min(lines.find('\n', from), lines.size());
      text += fmt::format("{}{}{}\n", std::string(2 * depth_, ' '), depth_ > 0 ? "| " : "",
                          lines.substr(from, end - from));
      from = end + 1;
    }
  }

  void print_cause(const BaseException& error) {
    if (!error.cause()) return;
    print(error.cause());
    print_lines("\nThe above exception was the direct cause of the following exception:\n");
  }

  void print_group(const BaseExceptionGroup& group) {
    const bool outermost = depth_ == 0;
    depth_ += outermost ? 1 : 0;
    print_lines(fmt::format("{}: {}", group.kind(),
                            with_count(group.message(), group.exceptions().size())));
    ++depth_;
    std::size_t number = 0;
    for (const std::exception_ptr& each : group.exceptions()) {
      text += fmt::format("{}{}+---------------- {} ----------------\n",
                          std::string(2 * (number == 0 ? depth_ - 1 : depth_), ' '),
                          number == 0 ? "+-" : "", number + 1);
      ++number;
      print(each);
    }
    if (!detail::is_kind<BaseExceptionGroup>(group.exceptions().back()))
      text += std::string(2 * depth_, ' ') + "+------------------------------------\n";
    depth_ -= outermost ? 2 : 1;
  }

  std::size_t depth_ = 0;
};

}  // namespace

std::string format_exception(const std::exception_ptr& error) {
  if (!error) return "None\n";
  Printer printer;
  printer.print(error);
  return std::move(printer.text);
}

}  // namespace weft
