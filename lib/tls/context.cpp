#include "tls/context.h"

#include <string_view>

#include <fmt/format.h>

#include <weft/base/errors.h>

#include "tls/engine.h"
#include "tls/pem.h"

namespace weft {

namespace {

using namespace detail;

int number_of(TlsVersion version) noexcept {
  return version == TlsVersion::Tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

std::string alpn_of(const std::vector<std::string>& protocols) {
  constexpr std::size_t kLongest = 255;
  std::string all;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > kLongest)
      throw ValueError(fmt::format("alpn: '{}' is empty or longer than 255 bytes", name));
    all += char(name.size());
    all += name;
  }
  return all;
}

OwnedContext new_context(const SSL_METHOD* method, TlsVersion least, TlsVersion most) {
  if (least > most) throw ValueError("least: it is above most");
  ERR_clear_error();
  OwnedContext made_one(made(SSL_CTX_new(method), "SSL_CTX_new"));
  SSL_CTX* ctx = made_one.get();
  require_ok(SSL_CTX_set_min_proto_version(ctx, number_of(least)), "least");
  require_ok(SSL_CTX_set_max_proto_version(ctx, number_of(most)), "most");
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  return made_one;
}

void use_identity(SSL_CTX* ctx, const TlsIdentity& identity) {
  const auto chain = read_certificates(identity.chain, "certificate");
  require_ok(SSL_CTX_use_certificate(ctx, chain.front().get()), "certificate");
  for (std::size_t i = 1; i < chain.size(); ++i)
    require_ok(SSL_CTX_add1_chain_cert(ctx, chain[i].get()), "certificate chain");
  const OwnedKey key = read_key(identity.key, identity.password);
  if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1)
    raise_tls_error(named("private key", identity.key));
}

void trust(SSL_CTX* ctx, const std::vector<Pem>& roots, const char* what) {
  X509_STORE* store = SSL_CTX_get_cert_store(ctx);
  for (const Pem& pem : roots)
    for (const OwnedCertificate& root : read_certificates(pem, what))
      require_ok(X509_STORE_add_cert(store, root.get()), what);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
}

/// `data` is the server's list. The answer has to outlive the call: it lies in one of the lists.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* theirs, unsigned their_size, void* data) {
  const auto& ours = *static_cast<const std::string*>(data);
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            unsigned(ours.size()), theirs, their_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int verify_mode(ClientCertificates clients) noexcept {
  switch (clients) {
    case ClientCertificates::None:
      return SSL_VERIFY_NONE;
    case ClientCertificates::Optional:
      return SSL_VERIFY_PEER;
    case ClientCertificates::Required:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/// Tells clients whom the server believes, so that they can choose a certificate.
void name_authorities(SSL_CTX* ctx, const std::vector<Pem>& roots) {
  for (const Pem& pem : roots)
    for (const OwnedCertificate& root : read_certificates(pem, "client_roots"))
      require_ok(SSL_CTX_add_client_CA(ctx, root.get()), "client_roots");
}

}  // namespace

TlsContext TlsContext::client(const TlsClientOptions& options) {
  if (options.check_hostname && !options.verify)
    throw ValueError("check_hostname: it is on, and verify is off");
  auto state = std::make_shared<State>(
      State{.client = true,
            .check_hostname = options.check_hostname,
            .tickets = 0,
            .alpn = alpn_of(options.alpn),
            .ctx = new_context(TLS_client_method(), options.least, options.most)});
  SSL_CTX* ctx = state->ctx.get();
  SSL_CTX_set_verify(ctx, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.roots.empty())
    trust(ctx, options.roots, "roots");
  else if (options.verify)
    require_ok(SSL_CTX_set_default_verify_paths(ctx), "the system's roots");
  if (options.identity) use_identity(ctx, *options.identity);
  if (!state->alpn.empty() &&
      SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(state->alpn.data()),
                              unsigned(state->alpn.size())) != 0)
    raise_tls_error("alpn");
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(ctx, TlsEngine::keep_session);
  return TlsContext(std::move(state));
}

TlsContext TlsContext::server(const TlsServerOptions& options) {
  if (options.clients != ClientCertificates::None && options.client_roots.empty())
    throw ValueError("client_roots: there are none to verify clients by");
  auto state = std::make_shared<State>(
      State{.client = false,
            .check_hostname = false,
            .tickets = options.tickets,
            .alpn = alpn_of(options.alpn),
            .ctx = new_context(TLS_server_method(), options.least, options.most)});
  SSL_CTX* ctx = state->ctx.get();
  use_identity(ctx, options.identity);
  SSL_CTX_set_verify(ctx, verify_mode(options.clients), nullptr);
  if (!options.client_roots.empty()) {
    trust(ctx, options.client_roots, "client_roots");
    name_authorities(ctx, options.client_roots);
  }
  if (!state->alpn.empty()) SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, &state->alpn);
  constexpr unsigned char kSessionsOf[] = {'w', 'e', 'f', 't'};
  require_ok(SSL_CTX_set_session_id_context(ctx, kSessionsOf, sizeof kSessionsOf), "sessions");
  // Tickets of TLS 1.3 go out with the first write, not with the handshake: a client that writes
  // and closes without having read them would have its connection reset.
  require_ok(SSL_CTX_set_num_tickets(ctx, 0), "tickets");
  if (options.tickets == 0) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  }
  return TlsContext(std::move(state));
}

bool TlsContext::is_client() const noexcept { return state_->client; }

}  // namespace weft
