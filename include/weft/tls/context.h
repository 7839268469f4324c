// What the TLS connections of a program have in common. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weft/tls/certificate.h>

namespace weft {

enum class TlsVersion : std::uint8_t { Tls12, Tls13 };

/// Whether a server asks its clients for certificates. Source: ssl.VerifyMode
enum class ClientCertificates : std::uint8_t {
  None,
  Optional,  ///< one that is shown must be good
  Required
};

struct TlsClientOptions {
  /// Whom to believe; none: the system's roots, or what SSL_CERT_FILE and SSL_CERT_DIR name.
  std::vector<Pem> roots = {};
  /// Refuse servers whose certificate does not lead to a root. Without, anybody may be in between.
  bool verify = true;
  /// Refuse certificates of other hosts.
  bool check_hostname = true;
  /// For servers that ask who their client is.
  std::optional<TlsIdentity> identity = {};
  /// Protocols that are spoken above, the dearest first: {"h2", "http/1.1"}.
  std::vector<std::string> alpn = {};
  TlsVersion least = TlsVersion::Tls12;
  TlsVersion most = TlsVersion::Tls13;
};

struct TlsServerOptions {
  TlsIdentity identity;
  ClientCertificates clients = ClientCertificates::None;
  /// Who signs the clients' certificates.
  std::vector<Pem> client_roots = {};
  /// Protocols that are spoken above, the dearest first. A client that speaks none of them is
  /// served without one.
  std::vector<std::string> alpn = {};
  TlsVersion least = TlsVersion::Tls12;
  TlsVersion most = TlsVersion::Tls13;
  /// By how many tickets a client of TLS 1.3 may come back; none: by no session at all.
  unsigned tickets = 2;
};

/// Settings, certificates and keys of many connections. A value; copies mean the same one.
///
/// Thread: any. Source: ssl.SSLContext
class TlsContext {
 public:
  /// Verifies servers and their names, unless it is told not to.
  ///
  /// Throws: TlsError, which names the certificates or the key that cannot be used; ValueError
  ///         that names an option: a name in `alpn` that is empty or longer than 255 bytes,
  ///         `least` above `most`, `check_hostname` without `verify`.
  /// Source: ssl.create_default_context. Differs: a certificate's common name is never taken for a
  ///         host's; where own roots are given, a certificate that is among them is trusted
  ///         whoever has signed it (as in 3.13).
  static TlsContext client(const TlsClientOptions& options = {});

  /// Throws: as client(); ValueError if clients are to be verified and there are no `client_roots`.
  static TlsContext server(const TlsServerOptions& options);

  bool is_client() const noexcept;

  // For layer tls.
  struct State;
  const std::shared_ptr<const State>& state() const noexcept { return state_; }

 private:
  explicit TlsContext(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

}  // namespace weft
