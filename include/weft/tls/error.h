// What goes wrong in TLS. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <system_error>

namespace weft {

/// TLS failed. It is a std::system_error, so that whoever handles a broken connection handles this
/// too; `code()` is OpenSSL's number, and what() ends in its text for that: "TLS handshake with
/// localhost: wrong version number".
///
/// Errors of the stream below are not wrapped: they come as that throws them.
///
/// Source: ssl.SSLError, which is an OSError
class TlsError : public std::system_error {
 public:
  using std::system_error::system_error;

  /// OpenSSL's text: "wrong version number".
  std::string reason() const { return code().message(); }
};

/// The stream below ended, and the peer had not said that it would: perhaps somebody cut it off.
/// What has been read so far may be only a part.
///
/// Source: ssl.SSLEOFError
class TlsEofError : public TlsError {
 public:
  using TlsError::TlsError;
};

/// The peer's certificate is not to be trusted, or is another host's. what() says why and of whom:
/// "TLS handshake with 'example.org': certificate verify failed: hostname mismatch".
///
/// Source: ssl.SSLCertVerificationError
class CertificateVerificationError : public TlsError {
 public:
  using TlsError::TlsError;

  /// X509_V_ERR_... of OpenSSL. Source: SSLCertVerificationError.verify_code
  int verify_code() const noexcept { return code().value(); }

  /// "hostname mismatch", "certificate has expired", "self-signed certificate"...
  std::string verify_message() const { return reason(); }
};

/// Of a TlsError's code.
const std::error_category& tls_category() noexcept;

/// Of a CertificateVerificationError's code.
const std::error_category& verification_category() noexcept;

}  // namespace weft
