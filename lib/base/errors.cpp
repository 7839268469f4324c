#include <weft/base/errors.h>

#include <cstdlib>

#include <cxxabi.h>

#include <fmt/format.h>

#include <weft/base/exception_group.h>

namespace weft {

BaseException::~BaseException() = default;

const char* BaseException::kind() const noexcept { return "BaseException"; }

const std::string& BaseException::message() const noexcept {
  static const std::string none;
  return message_ ? *message_ : none;
}

const char* Exception::kind() const noexcept { return "Exception"; }

const char* Exception::what() const noexcept { return has_message() ? message().c_str() : kind(); }

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : type.name();
}

std::string describe(const std::exception_ptr& error) {
  if (!error) return "None";
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& group) {
    std::string members;
    for (const std::exception_ptr& each : group.exceptions())
      members += (members.empty() ? "" : ", ") + describe(each);
    return fmt::format("{}('{}', [{}])", group.kind(), group.message(), members);
  } catch (const BaseException& e) {
    return e.has_message() ? fmt::format("{}('{}')", e.kind(), e.message())
                           : fmt::format("{}()", e.kind());
  } catch (const std::exception& e) {
    return fmt::format("{}('{}')", type_name(typeid(e)), e.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type ? type_name(*type) : "unknown exception";
  }
}

}  // namespace weft
