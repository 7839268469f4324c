// TLS connections and servers, in streams. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include <weft/loop/clock.h>
#include <weft/net/address.h>
#include <weft/net/connect.h>
#include <weft/net/streams.h>
#include <weft/tls/context.h>
#include <weft/tls/stream.h>

namespace weft {

/// How long a handshake may take that is given no other limit. Source: ssl_handshake_timeout
inline constexpr Duration kTlsHandshakeTimeout = std::chrono::seconds(60);

struct TlsConnectionOptions {
  /// Whom to expect. Empty: the digits of the address, which the certificate must be for.
  std::string server_hostname = {};
  ConnectionOptions connection = {};
  TlsSession session = {};  ///< as in wrap_client()
  Duration handshake_timeout = kTlsHandshakeTimeout;
};

/// Connects to `address`, and makes a client's handshake. `tls_of(streams)` tells what was agreed.
///
/// Suspends:  until that is done.
/// Cancelled: CancelledError; the connection is closed.
/// Throws:    as Socket::connect() and wrap_client(); TimeoutError that names the peer if the
///            handshake takes too long.
/// Source:    asyncio.open_connection with `ssl`
Streams open_tls_connection(const Address& address, const TlsContext& context,
                            const TlsConnectionOptions& options = {});

/// Connects to a host that has a name, as open_connection() does; `how` stands in the place of
/// `options.connection.connect`. Without `options.server_hostname` the certificate must be for
/// `host`.
///
/// Suspends, Cancelled, Throws: as connect_to_host(), and above.
Streams open_tls_connection(std::string_view host, int port, const TlsContext& context,
                            const TlsConnectionOptions& options = {}, const HostOptions& how = {});

struct StartTlsOptions {
  std::string server_hostname = {};  ///< as in wrap_client(), at a client
  TlsSession session = {};           ///< the same
  std::size_t limit = kStreamLimit;  ///< of lines, in bytes
  Duration handshake_timeout = kTlsHandshakeTimeout;
};

/// Goes on with a connection by TLS: a handshake, a client's or a server's as `context` is, behind
/// all that has been written. Whoever ends the plain writer by its control() closes what is below.
///
/// Suspends:  until what was buffered has been written, and the handshake has been made.
/// Cancelled: CancelledError; the connection is closed.
/// Throws:    as wrap_client() and wrap_server(); TimeoutError that names the peer;
///            std::system_error (EPROTO) if the peer sent something before the handshake that
///            nobody has read: whoever is in between could have put it there. ValueError if
///            `plain` has a reader and a writer of different streams.
/// Source:    StreamWriter.start_tls (3.11)
Streams start_tls(Streams plain, const TlsContext& context, const StartTlsOptions& options = {});

/// The TlsStream below. Throws: ValueError if that is something else.
TlsStream& tls_of(const Streams& streams);
TlsStream& tls_of(const StreamWriter& writer);

struct TlsServingOptions {
  ServerOptions server = {};
  Duration handshake_timeout = kTlsHandshakeTimeout;
  /// Told of handshakes that failed, and of whom: what strangers send is no error of the program,
  /// so nobody else is told.
  std::function<void(const std::exception_ptr& error, const std::string& peer)> handshake_failed =
      {};
};

/// As start_server(), with a server's handshake before each call of `callback`.
///
/// Throws: as start_server(); ValueError if `context` is a client's, or `server.wrap` is set.
/// Source: asyncio.start_server with `ssl`
Server start_tls_server(ClientConnected callback, const Address& address, const TlsContext& context,
                        const TlsServingOptions& options = {});

/// Serves connections to all addresses of `host`; none: of all interfaces.
///
/// Suspends, Cancelled, Throws: as start_server() of a host, and above.
Server start_tls_server(ClientConnected callback, std::string_view host, int port,
                        const TlsContext& context, const TlsServingOptions& options = {});

}  // namespace weft
