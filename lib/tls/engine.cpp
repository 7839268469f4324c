#include "tls/engine.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <arpa/inet.h>

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <weft/base/errors.h>

namespace weft::detail {

// ---- output

std::string_view TlsOutput::going() {
  if (sent_ == going_.size()) {
    going_.clear();
    sent_ = 0;
    std::swap(going_, fresh_);
  }
  return std::string_view(going_).substr(sent_);
}

void TlsOutput::consume(std::size_t count) {
  constexpr std::size_t kKept = 4096;  // of a connection that rests
  sent_ += count;
  if (sent_ < going_.size()) return;
  sent_ = 0;
  if (going_.capacity() > kKept)
    std::string().swap(going_);
  else
    going_.clear();
}

void TlsOutput::clear() noexcept {
  going_.clear();
  fresh_.clear();
  sent_ = 0;
}

// ---- the methods of a BIO: OpenSSL's own one in memory would copy more, and keep what it has used

namespace {

TlsEngine& engine_of(BIO* bio) { return *static_cast<TlsEngine*>(BIO_get_data(bio)); }

int read_input(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const int count = engine_of(bio).give(data, size);
  if (count > 0 || engine_of(bio).input_ended()) return count;
  BIO_set_retry_read(bio);
  return -1;
}

int write_output(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  return engine_of(bio).take(data, size);
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return engine_of(bio).input_ended() ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* new_method() {
  BIO_METHOD* method =
      made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft"), "BIO_meth_new");
  BIO_meth_set_read(method, read_input);
  BIO_meth_set_write(method, write_output);
  BIO_meth_set_ctrl(method, control);
  return method;
}

BIO* new_bio(TlsEngine& engine) {
  static const Owned<BIO_METHOD, BIO_meth_free> method(new_method());
  BIO* bio = made(BIO_new(method.get()), "BIO_new");
  BIO_set_data(bio, &engine);
  BIO_set_init(bio, 1);
  return bio;
}

bool is_address(const std::string& name) noexcept {
  in6_addr bytes;
  return inet_pton(AF_INET, name.c_str(), &bytes) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &bytes) == 1;
}

}  // namespace

int TlsEngine::give(char* data, int size) noexcept {
  const std::size_t count = std::min(std::size_t(size), end_ - begin_);
  if (count > 0) std::memcpy(data, input_.get() + begin_, count);
  begin_ += count;
  return int(count);
}

int TlsEngine::take(const char* data, int size) noexcept try {
  output.add({data, std::size_t(size)});
  return size;
} catch (const std::bad_alloc&) {
  return -1;
}

// ---- a connection

TlsEngine::TlsEngine(std::shared_ptr<const TlsContext::State> context, std::string server_hostname,
                     std::string who)
    : context_(std::move(context)),
      server_hostname_(std::move(server_hostname)),
      who_(std::move(who)) {
  ERR_clear_error();
  ssl_.reset(made(SSL_new(context_->ctx.get()), "SSL_new"));
  BIO* bio = new_bio(*this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  if (context_->client) {
    SSL_set_connect_state(ssl_.get());
    announce_host();
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

void TlsEngine::announce_host() {
  if (server_hostname_.empty()) return;
  const bool address = is_address(server_hostname_);
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (!address && SSL_set_tlsext_host_name(ssl_.get(), server_hostname_.c_str()) != 1)
    raise_tls_error("server_hostname");
  if (!context_->check_hostname) return;
  const int result = address ? X509_VERIFY_PARAM_set1_ip_asc(param, server_hostname_.c_str())
                             : X509_VERIFY_PARAM_set1_host(param, server_hostname_.data(),
                                                           server_hostname_.size());
  require_ok(result, "server_hostname");
}

void TlsEngine::resume(const TlsSession::State& session) {
  ERR_clear_error();
  require_ok(SSL_set_session(ssl_.get(), session.session.get()), "session");
}

void TlsEngine::fail(const char* call, int result) {
  const int kind = SSL_get_error(ssl_.get(), result);
  const std::string_view alone = std::string_view(call).substr(0, std::string_view(call).find(' '));
  const std::string what =
      who_.empty() ? fmt::format("TLS {}", alone) : fmt::format("TLS {} {}", call, who_);
  const std::error_code code = take_error();
  const bool of_ssl = code.category() == tls_category() && kind == SSL_ERROR_SSL;
  const int reason = of_ssl ? ERR_GET_REASON(static_cast<unsigned long>(code.value())) : 0;
  const long verdict = SSL_get_verify_result(ssl_.get());
  try {
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK)
      throw CertificateVerificationError(int(verdict), verification_category(),
                                         what + ": certificate verify failed");
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) throw TlsEofError(code, what);
    throw TlsError(code, what);
  } catch (...) {
    failed_ = std::current_exception();
  }
  std::rethrow_exception(failed_);
}

bool TlsEngine::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return true;
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return false;
  fail("handshake with", result);
}

std::optional<std::size_t> TlsEngine::read(std::span<char> buffer) {
  if (failed_) std::rethrow_exception(failed_);
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count);
  if (result == 1) return count;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_WANT_READ:
      return std::nullopt;
    default:
      fail("read from", result);
  }
}

void TlsEngine::write(std::string_view data) {
  if (failed_) std::rethrow_exception(failed_);
  ERR_clear_error();
  if (!tickets_sent_) send_tickets();
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl_.get(), data.data(), data.size(), &count);
  if (result != 1) fail("write to", result);
}

/// With the next write.
void TlsEngine::send_tickets() {
  tickets_sent_ = true;
  if (context_->client || SSL_version(ssl_.get()) != TLS1_3_VERSION) return;
  for (unsigned i = 0; i < context_->tickets; ++i) SSL_new_session_ticket(ssl_.get());
}

void TlsEngine::end_writing() noexcept {
  if (failed_) return;
  ERR_clear_error();
  if (SSL_in_init(ssl_.get()) != 0) SSL_do_handshake(ssl_.get());  // new keys that have to go first
  SSL_shutdown(ssl_.get());  // it says that the peer has not ended its direction yet
  ERR_clear_error();
}

std::span<char> TlsEngine::room() {
  constexpr std::size_t kLeast = 4096;
  constexpr std::size_t kMost = std::size_t{64} * 1024;
  const bool was_full = capacity_ > 0 && end_ == capacity_;
  if (capacity_ == 0 || (was_full && capacity_ < kMost)) {
    const std::size_t wanted = capacity_ == 0 ? kLeast : 2 * capacity_;
    input_.reset(new char[wanted]);
    capacity_ = wanted;
  }
  begin_ = end_ = 0;
  return {input_.get(), capacity_};
}

void TlsEngine::took(std::size_t count) noexcept {
  end_ = count;
  ended_ = count == 0;
}

int TlsEngine::keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
  static_cast<TlsEngine*>(SSL_get_app_data(ssl))->session_.reset(session);
  return 1;  // it is ours now
}

TlsSession TlsEngine::session() const {
  SSL_SESSION* session = session_.get();
  // With TLS 1.2 a resumed connection goes by the old one, unless the server gives another.
  const bool same = SSL_version(ssl_.get()) == TLS1_2_VERSION && SSL_session_reused(ssl_.get());
  if (!session && same) session = SSL_get0_session(ssl_.get());
  if (!session || SSL_SESSION_is_resumable(session) != 1) return {};
  SSL_SESSION_up_ref(session);
  return TlsSession(std::make_shared<TlsSession::State>(
      TlsSession::State{context_, server_hostname_, OwnedSession(session)}));
}

}  // namespace weft::detail
