// TLS over a stream of bytes. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weft/io/byte_stream.h>
#include <weft/tls/certificate.h>
#include <weft/tls/context.h>
#include <weft/tls/error.h>

namespace weft {

namespace detail {
class TlsConnection;
}

/// What a client may resume a connection to the same server by, or nothing. A value; copies mean
/// the same one.
///
/// Source: ssl.SSLSession
class TlsSession {
 public:
  TlsSession() = default;

  /// Whether there is one.
  explicit operator bool() const noexcept { return state_ != nullptr; }

  struct State;
  // For layer tls.
  explicit TlsSession(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
  const std::shared_ptr<const State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// A connection that nobody reads or changes on its way, over any ByteStream; wrap_client() and
/// wrap_server() make it. Errors of TLS are TlsError, those of the stream below come as they are.
///
/// A write encrypts what it takes, 16 KiB at most, and gives it to the stream below; what that does
/// not take at once a task of its own gives it, and no more is taken until it is gone. The end of
/// the stream is the peer's word that it is (close_notify): if the stream below ends without, a
/// read throws TlsEofError.
///
/// What is written to a stream that is closed meanwhile is still delivered: the stream below is
/// closed behind it, after 30 seconds at the latest. wait_closed() waits for that. It may be
/// destroyed while tasks wait on it; those get std::system_error (EBADF).
///
/// Thread: the loop's, in which the handshake was made: OpenSSL keeps errors by thread.
/// Source: ssl.SSLObject, asyncio.sslproto. Differs: one direction can end before the other;
///         close() does not wait for the peer's close_notify.
class TlsStream final : public ByteStream {
 public:
  ~TlsStream() override;

  /// No more will be written: sends close_notify. A peer that speaks TLS 1.2 may answer by ending
  /// its own direction at once, whatever it had left to say.
  void shutdown_write() override;

  void close() noexcept override;

  /// Closes it at once, without close_notify: the peer can tell that something is missing.
  void abort() noexcept override;

  /// Also once the stream below is.
  bool closed() const noexcept override;
  std::string peer_name() const override;

  /// Suspends:  until close() has been called, and the stream below has been closed.
  /// Cancelled: CancelledError; that will still happen.
  /// Throws:    RuntimeError if it would wait outside a task.
  void wait_closed();

  /// The protocol above that both sides speak; empty if they have agreed on none.
  std::string alpn_protocol() const;

  /// At the server: whom the client wanted to reach (SNI). At the client: whom it was told to.
  std::string server_hostname() const;

  /// "TLSv1.3" and "TLS_AES_256_GCM_SHA384".
  std::string version() const;
  std::string cipher() const;

  /// None if the peer has shown none. Whether it was verified is the context's matter.
  std::optional<TlsCertificate> peer_certificate() const;

  /// The handshake was a short one, by a session that it was given.
  bool session_reused() const noexcept;

  /// What another connection to this server may be resumed by. Servers of TLS 1.3 give it away some
  /// time after the handshake, so there is none before something has been read; use it once. None
  /// at a server, or if the peer gives none.
  TlsSession session() const;

  /// The stream below. Do not read or write it.
  ByteStream& transport() const noexcept;

 private:
  friend std::unique_ptr<TlsStream> wrap_client(std::shared_ptr<ByteStream>, const TlsContext&,
                                                std::string_view, const TlsSession&);
  friend std::unique_ptr<TlsStream> wrap_server(std::shared_ptr<ByteStream>, const TlsContext&);
  explicit TlsStream(std::shared_ptr<detail::TlsConnection> connection) noexcept;
  std::size_t do_read(std::span<char> buffer) override;
  std::size_t do_write(Pieces pieces) override;
  std::size_t do_try_write(Pieces pieces) override;

  std::shared_ptr<detail::TlsConnection> connection_;  // the task that writes has a share
};

/// Makes a client's handshake over `stream`, which is TLS's from then on: it is closed if the
/// handshake fails, and with the TlsStream.
///
/// `server_hostname` is whom to expect, a name or an address: the server is told it, if it is a
/// name, and its certificate must be for it. `session` shortens the handshake, if the server still
/// knows it.
///
/// Suspends:  until the handshake has been made. For a limit: timeout(10s, [&] { ... }).
/// Cancelled: CancelledError; `stream` is closed.
/// Throws:    CertificateVerificationError, TlsError, what the stream throws; RuntimeError if it
///            would wait outside a task. ValueError, which leaves `stream` alone: it is null,
///            `context` is a server's, `server_hostname` is empty though it is to be checked, or
///            is no name, `session` is of another context or host.
/// Source:    SSLContext.wrap_bio, asyncio's start_tls
std::unique_ptr<TlsStream> wrap_client(std::shared_ptr<ByteStream> stream,
                                       const TlsContext& context, std::string_view server_hostname,
                                       const TlsSession& session = {});

/// The same at a server.
///
/// Suspends, Cancelled, Throws: as wrap_client(). With TLS 1.3 a client whose certificate is
///            refused has made its handshake by then: it is told when it reads.
std::unique_ptr<TlsStream> wrap_server(std::shared_ptr<ByteStream> stream,
                                       const TlsContext& context);

}  // namespace weft
