#include <weft/base/errors.h>

#include <cxxabi.h>

#include <cstdlib>

#include <fmt/format.h>

namespace weft {

BaseException::~BaseException() = default;

const char* BaseException::kind() const noexcept { return "BaseException"; }

const std::string& BaseException::message() const noexcept {
  static const std::string none;
  return message_ ? *message_ : none;
}

const char* Exception::kind() const noexcept { return "Exception"; }

const char* Exception::what() const noexcept {
  return has_message() ? message().c_str() : kind();
}

namespace {

std::string demangled(const char* name) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : name;
}

}  // namespace

std::string describe(const std::exception_ptr& error) {
  if (!error) return "None";
  try {
    std::rethrow_exception(error);
  } catch (const BaseException& e) {
    return e.has_message() ? fmt::format("{}('{}')", e.kind(), e.message())
                           : fmt::format("{}()", e.kind());
  } catch (const std::exception& e) {
    return fmt::format("{}('{}')", demangled(typeid(e).name()), e.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type ? demangled(type->name()) : "unknown exception";
  }
}

}  // namespace weft
