#include <weft/tls/stream.h>

#include <string>
#include <utility>

#include <weft/base/errors.h>

#include "tls/connection.h"
#include "tls/pem.h"

namespace weft {

using detail::TlsConnection, detail::TlsEngine;

TlsStream::TlsStream(std::shared_ptr<TlsConnection> connection) noexcept
    : connection_(std::move(connection)) {}

TlsStream::~TlsStream() { connection_->close(); }

// What waits holds on to the connection: the stream may be destroyed meanwhile.

std::size_t TlsStream::do_read(std::span<char> buffer) {
  return std::shared_ptr(connection_)->read(buffer);
}

std::size_t TlsStream::do_write(Pieces pieces) {
  return std::shared_ptr(connection_)->write(pieces);
}

std::size_t TlsStream::do_try_write(Pieces pieces) { return connection_->try_write(pieces); }

void TlsStream::shutdown_write() { connection_->end_writing(); }
void TlsStream::close() noexcept { connection_->close(); }
void TlsStream::abort() noexcept { connection_->abort(); }
bool TlsStream::closed() const noexcept { return connection_->closed(); }
std::string TlsStream::peer_name() const { return connection_->below().peer_name(); }
void TlsStream::wait_closed() { std::shared_ptr(connection_)->wait_closed(); }
ByteStream& TlsStream::transport() const noexcept { return connection_->below(); }

// ---- what the handshake has settled

std::string TlsStream::alpn_protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection_->engine().ssl(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsStream::server_hostname() const {
  const TlsEngine& engine = connection_->engine();
  if (SSL_is_server(engine.ssl()) == 0) return engine.server_hostname();
  const char* name = SSL_get_servername(engine.ssl(), TLSEXT_NAMETYPE_host_name);
  return name ? name : "";
}

std::string TlsStream::version() const { return SSL_get_version(connection_->engine().ssl()); }
std::string TlsStream::cipher() const { return SSL_get_cipher_name(connection_->engine().ssl()); }

std::optional<TlsCertificate> TlsStream::peer_certificate() const {
  const detail::OwnedCertificate peer(SSL_get1_peer_certificate(connection_->engine().ssl()));
  if (!peer) return std::nullopt;
  return detail::describe_certificate(peer.get());
}

bool TlsStream::session_reused() const noexcept {
  return SSL_session_reused(connection_->engine().ssl()) == 1;
}

TlsSession TlsStream::session() const { return connection_->engine().session(); }

// ---- handshakes

namespace {

std::shared_ptr<TlsConnection> shake_hands(std::shared_ptr<ByteStream> stream,
                                           std::unique_ptr<TlsEngine> engine) {
  auto connection = std::make_shared<TlsConnection>(std::move(stream), std::move(engine));
  connection->shake_hands();
  return connection;
}

void check_session(const TlsSession& session, const TlsContext& context, std::string_view host) {
  if (session.state()->context != context.state())
    throw ValueError("session: it refers to a different TlsContext");
  if (session.state()->server_hostname != host)
    throw ValueError("session: it is of '" + session.state()->server_hostname + "', not of '" +
                     std::string(host) + "'");
}

}  // namespace

std::unique_ptr<TlsStream> wrap_client(std::shared_ptr<ByteStream> stream,
                                       const TlsContext& context, std::string_view server_hostname,
                                       const TlsSession& session) {
  if (!stream) throw ValueError("stream: there is none");
  if (!context.is_client()) throw ValueError("context: it is a server's");
  if (server_hostname.empty() && context.state()->check_hostname)
    throw ValueError("server_hostname: check_hostname requires it");
  if (server_hostname.find('\0') != server_hostname.npos || server_hostname.starts_with('.'))
    throw ValueError("server_hostname: it is no name of a host");
  if (session) check_session(session, context, server_hostname);
  std::string who(server_hostname);
  if (who.empty()) who = stream->peer_name();
  auto engine =
      std::make_unique<TlsEngine>(context.state(), std::string(server_hostname), std::move(who));
  if (session) engine->resume(*session.state());
  return std::unique_ptr<TlsStream>(
      new TlsStream(shake_hands(std::move(stream), std::move(engine))));
}

std::unique_ptr<TlsStream> wrap_server(std::shared_ptr<ByteStream> stream,
                                       const TlsContext& context) {
  if (!stream) throw ValueError("stream: there is none");
  if (context.is_client()) throw ValueError("context: it is a client's");
  auto engine = std::make_unique<TlsEngine>(context.state(), std::string(), stream->peer_name());
  return std::unique_ptr<TlsStream>(
      new TlsStream(shake_hands(std::move(stream), std::move(engine))));
}

}  // namespace weft
