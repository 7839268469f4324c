#include "value.h"

#include <map>

#include <weft/base/exception_group.h>
#include <weft/sync/barrier.h>
#include <weft/sync/queue.h>

namespace conformance {

namespace {

// Kinds that weft has no use for.

template <class Self, class Base = weft::Exception>
class Foreign : public Base {
 public:
  Foreign() = default;
  explicit Foreign(std::string message) { this->set_message(std::move(message)); }
  const char* kind() const noexcept override { return Self::kName; }
};

struct LookupError : Foreign<LookupError> {
  static constexpr const char* kName = "LookupError";
  using Foreign::Foreign;
};
struct KeyError : Foreign<KeyError, LookupError> {
  static constexpr const char* kName = "KeyError";
  using Foreign::Foreign;
};
struct IndexError : Foreign<IndexError, LookupError> {
  static constexpr const char* kName = "IndexError";
  using Foreign::Foreign;
};
struct ZeroDivisionError : Foreign<ZeroDivisionError> {
  static constexpr const char* kName = "ZeroDivisionError";
  using Foreign::Foreign;
};

struct Kind {
  std::exception_ptr (*make)(const std::string* argument);
  bool (*matches)(const weft::BaseException* error);
};

template <class E>
bool matches(const weft::BaseException* error) {
  return dynamic_cast<const E*>(error) != nullptr;
}

template <class E>
constexpr Kind kKind{[](const std::string* argument) {
                       return std::make_exception_ptr(argument ? E(*argument) : E());
                     },
                     matches<E>};

std::exception_ptr make_stop(const std::string* argument) {
  return std::make_exception_ptr(argument ? weft::StopIteration::with(read_value(*argument))
                                          : weft::StopIteration());
}

template <class... Errors>
std::map<std::string, Kind> by_name() {
  return {{Errors::kName, kKind<Errors>}...};
}

std::map<std::string, Kind> all_kinds() {
  auto kinds =
      by_name<weft::CancelledError, weft::GeneratorExit, weft::KeyboardInterrupt, weft::SystemExit,
              weft::RuntimeError, weft::ValueError, weft::TypeError, weft::AttributeError,
              weft::TimeoutError, weft::InvalidStateError, weft::StopAsyncIteration, LookupError,
              KeyError, IndexError, ZeroDivisionError, weft::QueueEmpty, weft::QueueFull,
              weft::BrokenBarrierError>();
  kinds["BaseException"] = kKind<weft::BaseException>;
  kinds["Exception"] = kKind<weft::Exception>;
  kinds["BaseExceptionGroup"] = {nullptr, matches<weft::BaseExceptionGroup>};
  kinds["ExceptionGroup"] = {nullptr, matches<weft::ExceptionGroup>};
  kinds["StopIteration"] = {make_stop, matches<weft::StopIteration>};
  return kinds;
}

const Kind& kind(const std::string& name) {
  static const std::map<std::string, Kind> kinds = all_kinds();
  return kinds.at(name);
}

/// Arguments of the language are kept as messages, but printed without quotes.
bool is_value(const std::string& message) {
  if (message == "None") return true;
  const std::size_t digits = message.starts_with('-') ? 1 : 0;
  return message.size() > digits &&
         message.find_first_not_of("0123456789", digits) == std::string::npos;
}

std::string members(const weft::BaseExceptionGroup& group) {
  std::string list;
  for (const std::exception_ptr& member : group.exceptions())
    list += (list.empty() ? "" : ", ") + text(member);
  return list;
}

}  // namespace

Value read_value(const std::string& token) {
  return token == "None" ? Value() : Value(std::stol(token));
}

std::string text(const Value& value) { return value ? std::to_string(*value) : "None"; }

std::exception_ptr make_error(const Tokens& tokens, std::size_t at) {
  return kind(tokens.at(at)).make(at + 1 < tokens.size() ? &tokens[at + 1] : nullptr);
}

bool is_a(const weft::BaseException& error, const std::string& name) {
  return kind(name).matches(&error);
}

std::string text(const weft::BaseException& error) {
  const std::string name = error.kind();
  if (const auto* stop = dynamic_cast<const weft::StopIteration*>(&error))
    if (const Value* value = stop->value<Value>()) return name + "(" + text(*value) + ")";
  if (const auto* group = dynamic_cast<const weft::BaseExceptionGroup*>(&error))
    return name + "('" + group->message() + "', [" + members(*group) + "])";
  if (!error.has_message() || name == "AttributeError") return name;
  const std::string& message = error.message();
  return name + (is_value(message) ? "(" + message + ")" : "('" + message + "')");
}

std::string text(const std::exception_ptr& error) {
  if (!error) return "None";
  try {
    std::rethrow_exception(error);
  } catch (const weft::BaseException& e) {
    return text(e);
  }
}

}  // namespace conformance
