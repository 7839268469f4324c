// OpenSSL between two buffers; it knows neither streams nor waiting. Layer: tls.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tls/context.h"
#include "tls/openssl.h"

namespace weft::detail {

/// Encrypted bytes that are to be sent. What is being sent does not move while more is added.
class TlsOutput {
 public:
  bool empty() const noexcept { return size() == 0; }
  void add(std::string_view data) { fresh_.append(data); }

  /// The oldest of it, which stays in its place until it is consumed.
  std::string_view going();
  void consume(std::size_t count);
  void clear() noexcept;
  std::size_t size() const noexcept { return going_.size() + fresh_.size() - sent_; }

 private:
  std::string going_;
  std::size_t sent_ = 0;  // of going_
  std::string fresh_;
};

/// One side of a connection. No call switches to another task, so that the thread's queue of errors
/// is this connection's from the start of each call to its end.
class TlsEngine {
 public:
  /// `who` is the peer, for messages.
  TlsEngine(std::shared_ptr<const TlsContext::State> context, std::string server_hostname,
            std::string who);

  /// Before the handshake.
  void resume(const TlsSession::State& session);

  /// Goes on with the handshake. False: it needs more input. Throws: TlsError.
  bool shake_hands();

  /// What has been decrypted, 0 at the end of the stream; none: it needs more input.
  /// Throws: TlsError, and again at each later call.
  std::optional<std::size_t> read(std::span<char> buffer);

  /// Encrypts all of it: one record, if it is not longer than kLongest.
  /// Throws: TlsError.
  void write(std::string_view data);
  static constexpr std::size_t kLongest = SSL3_RT_MAX_PLAIN_LENGTH;

  /// close_notify.
  void end_writing() noexcept;

  /// Where the next input belongs; there is none left.
  std::span<char> room();
  /// So much has come; 0: and nothing will come any more.
  void took(std::size_t count) noexcept;

  TlsOutput output;

  SSL* ssl() const noexcept { return ssl_.get(); }
  const std::string& server_hostname() const noexcept { return server_hostname_; }
  const std::string& who() const noexcept { return who_; }
  TlsSession session() const;

  /// SSL_CTX_sess_set_new_cb
  static int keep_session(SSL* ssl, SSL_SESSION* session) noexcept;

  // What OpenSSL reads from and writes to.
  int give(char* data, int size) noexcept;
  int take(const char* data, int size) noexcept;
  bool input_ended() const noexcept { return ended_; }

 private:
  [[noreturn]] void fail(const char* call, int result);
  void announce_host();
  void send_tickets();

  std::shared_ptr<const TlsContext::State> context_;
  std::string server_hostname_;
  std::string who_;
  std::unique_ptr<char[]> input_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // what has come and not been read lies in [begin_, end_)
  std::size_t end_ = 0;
  bool ended_ = false;
  bool tickets_sent_ = false;
  std::exception_ptr failed_;
  OwnedSession session_;
  OwnedSsl ssl_;  // goes first: it refers to the others
};

}  // namespace weft::detail
