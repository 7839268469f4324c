// Certificates and keys, given and seen of a peer. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace weft {

/// Certificates or a key as PEM: the text itself, or what a file holds.
class Pem {
 public:
  static Pem text(std::string pem) { return Pem(std::move(pem), {}); }

  /// The file is read when this is called.
  ///
  /// Throws: std::system_error, which names the file.
  static Pem file(const std::string& path);

  const std::string& pem() const noexcept { return pem_; }

  /// The file it came from, for messages; empty if it was given as text.
  const std::string& path() const noexcept { return path_; }

 private:
  Pem(std::string pem, std::string path) : pem_(std::move(pem)), path_(std::move(path)) {}

  std::string pem_;
  std::string path_;
};

/// By what one side shows who it is.
struct TlsIdentity {
  Pem chain;                  ///< its certificate, then those that lead to a root
  Pem key;                    ///< the private key; the file of the chain may hold it, too
  std::string password = {};  ///< of the key, if it is encrypted
};

/// What a certificate says.
struct TlsCertificate {
  using Time = std::chrono::sys_seconds;

  std::string subject;  ///< "CN=localhost,O=Example"
  std::string issuer;
  std::string serial_number;       ///< in hexadecimal digits
  std::vector<std::string> names;  ///< hosts and addresses that it is for
  Time not_before;
  Time not_after;
  std::string pem;
};

/// The first certificate in `pem`. Throws: TlsError if there is none.
TlsCertificate read_certificate(const Pem& pem);

}  // namespace weft
