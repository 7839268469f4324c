// The inside of a TlsContext and of a TlsSession. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <weft/tls/context.h>
#include <weft/tls/stream.h>

#include "tls/openssl.h"

namespace weft {

/// Not changed once it is made, so all threads may use it.
struct TlsContext::State {
  bool client;
  bool check_hostname;
  unsigned tickets;
  std::string alpn;  // each name behind its length
  detail::OwnedContext ctx;
};

/// OpenSSL does not verify a resumed connection again: so a session is good for the context that
/// has verified it, and for the host that it was verified for.
struct TlsSession::State {
  std::shared_ptr<const TlsContext::State> context;
  std::string server_hostname;
  detail::OwnedSession session;
};

}  // namespace weft
