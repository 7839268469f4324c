#include <weft/tls/streams.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/net/socket_stream.h>
#include <weft/task/sleep.h>
#include <weft/task/timeout.h>

#include "base/system.h"

namespace weft {

namespace {

/// Calls `wrap()`, which makes a handshake over `stream`.
template <class Wrap>
std::shared_ptr<ByteStream> within(Duration limit, const ByteStream& stream, const Wrap& wrap) {
  const std::string peer = stream.peer_name();
  Timeout scope(saturating_add(now(), limit));
  try {
    return detail::run_under(scope, wrap);
  } catch (const TimeoutError& error) {
    if (!scope.expired()) throw;
    TimeoutError named(fmt::format("TLS handshake with {}: not made within {} ms", peer,
                                   std::chrono::ceil<std::chrono::milliseconds>(limit).count()));
    named.set_cause(error.cause());
    throw named;
  }
}

/// "127.0.0.1" of "127.0.0.1:80", "::1" of "[::1]:80".
std::string host_of(const Address& address) {
  if (address.family() == Family::Unix) return {};
  std::string text = address.to_string();
  text.erase(text.rfind(':'));
  return text.starts_with('[') ? text.substr(1, text.size() - 2) : text;
}

Streams streams_of(const std::shared_ptr<ByteStream>& stream, std::size_t limit) {
  return {StreamReader(stream, limit), StreamWriter(stream)};
}

/// Until nothing is buffered.
void flush(StreamWriter& writer) {
  writer.set_write_buffer_limits(0);
  writer.drain();
}

Streams open_over(Socket socket, const std::string& host, const TlsContext& context,
                  const TlsConnectionOptions& options) {
  const auto plain = std::make_shared<SocketStream>(std::move(socket));
  const auto stream = within(options.handshake_timeout, *plain, [&] {
    return std::shared_ptr<ByteStream>(wrap_client(plain, context, host, options.session));
  });
  return streams_of(stream, options.connection.limit);
}

/// The options that a server over TLS has.
ServerOptions serving_by(const TlsContext& context, const TlsServingOptions& options) {
  if (context.is_client()) throw ValueError("context: it is a client's");
  if (options.server.wrap) throw ValueError("server.wrap: start_tls_server sets it");
  ServerOptions server = options.server;
  server.wrap = [context, limit = options.handshake_timeout, tell = options.handshake_failed](
                    std::shared_ptr<ByteStream> plain) -> std::shared_ptr<ByteStream> {
    const std::string peer = plain->peer_name();
    std::exception_ptr error;
    try {
      return within(limit, *plain,
                    [&] { return std::shared_ptr<ByteStream>(wrap_server(plain, context)); });
    } catch (const std::system_error&) {
      error = std::current_exception();
    } catch (const TimeoutError&) {
      error = std::current_exception();
    }
    if (tell) tell(error, peer);
    return nullptr;
  };
  return server;
}

}  // namespace

Streams open_tls_connection(const Address& address, const TlsContext& context,
                            const TlsConnectionOptions& options) {
  const std::string host =
      options.server_hostname.empty() ? host_of(address) : options.server_hostname;
  return open_over(Socket::connect(address, options.connection.connect), host, context, options);
}

Streams open_tls_connection(std::string_view host, int port, const TlsContext& context,
                            const TlsConnectionOptions& options, const HostOptions& how) {
  const std::string expected(options.server_hostname.empty() ? host : options.server_hostname);
  return open_over(connect_to_host(host, port, how), expected, context, options);
}

Streams start_tls(Streams plain, const TlsContext& context, const StartTlsOptions& options) {
  ByteStream& below = plain.writer.stream();
  if (&plain.reader.stream() != &below) throw ValueError("plain: it is of two different streams");
  flush(plain.writer);
  if (const std::size_t early = plain.reader.buffered(); early > 0)
    detail::raise_error(
        EPROTO, fmt::format("start_tls: the peer sent {} bytes before the handshake", early));
  // The plain streams live as long as what is above them, and close the connection when they go.
  const auto owner = std::make_shared<Streams>(std::move(plain));
  const auto stream = within(options.handshake_timeout, below, [&] {
    const std::shared_ptr<ByteStream> shared(owner, &below);
    return std::shared_ptr<ByteStream>(
        context.is_client() ? wrap_client(shared, context, options.server_hostname, options.session)
                            : wrap_server(shared, context));
  });
  return streams_of(stream, options.limit);
}

TlsStream& tls_of(const StreamWriter& writer) {
  if (auto* stream = dynamic_cast<TlsStream*>(&writer.stream())) return *stream;
  throw ValueError("streams: there is no TLS below them");
}

TlsStream& tls_of(const Streams& streams) { return tls_of(streams.writer); }

Server start_tls_server(ClientConnected callback, const Address& address, const TlsContext& context,
                        const TlsServingOptions& options) {
  return start_server(std::move(callback), address, serving_by(context, options));
}

Server start_tls_server(ClientConnected callback, std::string_view host, int port,
                        const TlsContext& context, const TlsServingOptions& options) {
  return start_server(std::move(callback), host, port, serving_by(context, options));
}

}  // namespace weft
