// From PEM to OpenSSL's objects and back. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <weft/tls/certificate.h>

#include "tls/openssl.h"

namespace weft::detail {

/// One at least. Throws: TlsError that names `what`, and the file.
std::vector<OwnedCertificate> read_certificates(const Pem& pem, const char* what);

OwnedKey read_key(const Pem& pem, const std::string& password);

/// "what in FILE".
std::string named(const char* what, const Pem& pem);

/// Of a BIO in memory.
std::string contents(BIO* bio);

TlsCertificate describe_certificate(X509* certificate);

}  // namespace weft::detail
