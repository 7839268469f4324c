// Certificates that are made on the spot. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <weft/tls/certificate.h>

namespace weft {

/// What make_certificate() makes.
struct CertificateOptions {
  std::string common_name = "localhost";
  /// Hosts and addresses that it is for; the common name is none of them by itself.
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  bool authority = false;  ///< it may sign others
  /// None: from an hour ago, for 30 days.
  std::optional<TlsCertificate::Time> not_before = {};
  std::optional<TlsCertificate::Time> not_after = {};
};

/// Makes a key, and a certificate of it that `issuer` has signed; without an issuer, itself. For
/// tests, and for services of one machine: nobody trusts it who has not been told to.
///
/// The chain of what an issuer has signed holds the issuer's, too.
///
/// Throws: TlsError.
TlsIdentity make_certificate(const CertificateOptions& options = {},
                             const TlsIdentity* issuer = nullptr);

}  // namespace weft
