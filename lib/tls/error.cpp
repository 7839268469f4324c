#include <weft/tls/error.h>

#include <openssl/x509_vfy.h>

#include "tls/openssl.h"

namespace weft {

namespace {

class TlsCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int number) const override {
    const auto code = static_cast<unsigned long>(number);
    if (const char* reason = ERR_reason_error_string(code)) return reason;
    if (const char* library = ERR_lib_error_string(code)) return std::string("error in ") + library;
    return "unknown error";
  }
};

class VerificationCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls verification"; }
  std::string message(int number) const override { return X509_verify_cert_error_string(number); }
};

}  // namespace

const std::error_category& tls_category() noexcept {
  static const TlsCategory category;
  return category;
}

const std::error_category& verification_category() noexcept {
  static const VerificationCategory category;
  return category;
}

namespace detail {

std::error_code take_error() noexcept {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return {int(ERR_GET_REASON(code)), std::system_category()};
  return {int(code), tls_category()};
}

void raise_tls_error(const std::string& what) { throw TlsError(take_error(), what); }

}  // namespace detail

}  // namespace weft
