#include <weft/tls/context.h>

#include <cstdlib>
#include <fstream>

#include <unistd.h>

#include <openssl/pem.h>

#include "ends.h"

using namespace std::chrono_literals;
using namespace weft;

namespace {

/// What each side says of a handshake between a client and a server of `identity`.
std::pair<std::string, std::string> errors_with(const TlsIdentity& identity,
                                                const TlsContext& client = client_context(),
                                                const std::string& host = "localhost") {
  const TlsContext server = TlsContext::server({.identity = identity});
  auto ends = MemoryStream::pair();
  return both_errors([&] { wrap_client(std::move(ends.first), client, host); },
                     [&] {
                       const auto stream = wrap_server(std::move(ends.second), server);
                       read_part(*stream);
                     });
}

TlsIdentity at_time(TlsCertificate::Time from, TlsCertificate::Time to) {
  return make_certificate({.not_before = from, .not_after = to}, &authority());
}

std::string refused(const std::string& host, const std::string& why) {
  return "weft::CertificateVerificationError('TLS handshake with " + host +
         ": certificate verify failed: " + why + "')";
}

/// An identity of its own whose key is encrypted.
TlsIdentity encrypted_identity(const std::string& password) {
  TlsIdentity identity = make_certificate();
  const std::string& pem = identity.key.pem();
  BIO* in = BIO_new_mem_buf(pem.data(), int(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), password.data(), int(password.size()),
                                nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  identity.key = Pem::text({text, std::size_t(size)});
  BIO_free(in);
  BIO_free(out);
  EVP_PKEY_free(key);
  return identity;
}

}  // namespace

TEST_SUITE_BEGIN("TlsContext");

TEST_CASE("a server that is who it should be is believed: by name, by pattern, by address") {
  testing::run([] {
    const TlsIdentity pattern = signed_for("*.weft.example");
    CHECK(errors_with(localhost()).first == "nothing");
    CHECK(errors_with(localhost(), client_context(), "127.0.0.1").first == "nothing");
    CHECK(errors_with(localhost(), client_context(), "::1").first == "nothing");
    CHECK(errors_with(pattern, client_context(), "a.weft.example").first == "nothing");
  });
}

TEST_CASE("a certificate of another host is refused, and so is the common name alone") {
  testing::run([] {
    const TlsIdentity nameless = make_certificate({.names = {}}, &authority());
    CHECK(errors_with(localhost(), client_context(), "wrong.example").first ==
          refused("wrong.example", "hostname mismatch"));
    CHECK(errors_with(localhost(), client_context(), "127.0.0.2").first ==
          refused("127.0.0.2", "IP address mismatch"));
    CHECK(errors_with(signed_for("*.a.example"), client_context(), "b.c.a.example").first ==
          refused("b.c.a.example", "hostname mismatch"));
    CHECK(errors_with(nameless).first == refused("localhost", "hostname mismatch"));
  });
}

TEST_CASE("the server is told why it was refused") {
  testing::run([] {
    CHECK(contains(errors_with(make_certificate()).second, "alert unknown ca"));
    CHECK(contains(errors_with(localhost(), client_context(), "wrong.example").second,
                   "alert bad certificate"));
  });
}

TEST_CASE("one that is not valid any more, or not yet, is refused") {
  testing::run([] {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    CHECK(errors_with(at_time(now - 48h, now - 24h)).first ==
          refused("localhost", "certificate has expired"));
    CHECK(errors_with(at_time(now + 24h, now + 48h)).first ==
          refused("localhost", "certificate is not yet valid"));
  });
}

TEST_CASE("one that nobody known has signed is refused; the error has the verdict's number") {
  testing::run([] {
    const TlsIdentity other = make_certificate({.names = {}, .authority = true});
    CHECK(errors_with(make_certificate()).first == refused("localhost", "self-signed certificate"));
    CHECK(errors_with(make_certificate({}, &other)).first ==
          refused("localhost", "self-signed certificate in certificate chain"));
    try {
      auto ends = make_ends(client_context(), TlsContext::server({.identity = make_certificate()}));
      CHECK(false);
    } catch (const CertificateVerificationError& error) {
      CHECK(error.verify_code() == 18);  // X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
      CHECK(error.verify_message() == "self-signed certificate");
      CHECK(error.code().category() == verification_category());
    }
  });
}

TEST_CASE("a certificate that is believed itself needs nobody who has signed it") {
  testing::run([] {
    const TlsIdentity own = make_certificate();
    for (const TlsIdentity* identity : {&own, &localhost()}) {
      const Pem leaf = Pem::text(read_certificate(identity->chain).pem);
      const TlsContext client = TlsContext::client({.roots = {leaf}});
      CHECK(errors_with(*identity, client).first == "nothing");
      CHECK(errors_with(*identity, client, "x.example").first ==
            refused("x.example", "hostname mismatch"));
    }
  });
}

TEST_CASE("what is not to be checked is not") {
  testing::run([] {
    const TlsContext any_name =
        client_context([](TlsClientOptions& options) { options.check_hostname = false; });
    const TlsContext anybody = TlsContext::client({.verify = false, .check_hostname = false});
    CHECK(errors_with(localhost(), any_name, "wrong.example").first == "nothing");
    CHECK(errors_with(localhost(), any_name, "").first == "nothing");
    CHECK(errors_with(make_certificate(), any_name).first ==
          refused("localhost", "self-signed certificate"));
    CHECK(errors_with(make_certificate(), anybody, "").first == "nothing");
  });
}

TEST_CASE("without own roots the system's are believed, which the environment may name") {
  const std::string path = "/tmp/weft-tls-roots-" + std::to_string(getpid()) + ".pem";
  std::ofstream(path) << authority().chain.pem();
  setenv("SSL_CERT_FILE", path.c_str(), 1);
  const TlsContext client = TlsContext::client();
  unsetenv("SSL_CERT_FILE");
  std::remove(path.c_str());
  testing::run([&] {
    CHECK(errors_with(localhost(), client).first == "nothing");
    CHECK(errors_with(localhost(), TlsContext::client()).first ==
          refused("localhost", "self-signed certificate in certificate chain"));
  });
}

TEST_CASE("a client that is asked for a certificate shows it, and the server sees whose it is") {
  testing::run([] {
    const TlsContext named = client_context(
        [](TlsClientOptions& options) { options.identity = signed_for("client.example"); });
    for (const auto clients : {ClientCertificates::Optional, ClientCertificates::Required}) {
      const TlsContext server =
          server_context([=](TlsServerOptions& options) { options.clients = clients; });
      const Ends ends = make_ends(named, server);
      REQUIRE(ends.server->peer_certificate());
      CHECK(ends.server->peer_certificate()->subject == "CN=client.example");
    }
    const Ends unasked = make_ends(named, server_context());
    CHECK_FALSE(unasked.server->peer_certificate());
  });
}

TEST_CASE_TEMPLATE("a client without a certificate is refused if one is required", V,
                   std::integral_constant<TlsVersion, TlsVersion::Tls12>,
                   std::integral_constant<TlsVersion, TlsVersion::Tls13>) {
  testing::run([] {
    const TlsContext client =
        client_context([](TlsClientOptions& options) { options.most = V::value; });
    const TlsContext wants = server_context(
        [](TlsServerOptions& options) { options.clients = ClientCertificates::Required; });
    const TlsContext asks = server_context(
        [](TlsServerOptions& options) { options.clients = ClientCertificates::Optional; });
    auto ends = MemoryStream::pair();
    const auto [at_client, at_server] =
        both_errors([&] { read_part(*wrap_client(std::move(ends.first), client, "localhost")); },
                    [&] { wrap_server(std::move(ends.second), wants); });
    CHECK(contains(at_server, "peer did not return a certificate"));
    CHECK(contains(at_client, V::value == TlsVersion::Tls13 ? "alert certificate required"
                                                            : "alert handshake failure"));
    CHECK_FALSE(make_ends(client, asks).server->peer_certificate());
  });
}

TEST_CASE("a client whose certificate nobody known has signed is refused") {
  testing::run([] {
    const TlsContext stranger =
        client_context([](TlsClientOptions& options) { options.identity = make_certificate(); });
    const TlsContext server = server_context(
        [](TlsServerOptions& options) { options.clients = ClientCertificates::Optional; });
    auto ends = MemoryStream::pair();
    const auto [at_client, at_server] =
        both_errors([&] { read_part(*wrap_client(std::move(ends.first), stranger, "localhost")); },
                    [&] { wrap_server(std::move(ends.second), server); });
    CHECK(at_server ==
          "weft::CertificateVerificationError('TLS handshake: certificate verify failed: "
          "self-signed certificate')");
    CHECK(contains(at_client, "alert unknown ca"));
  });
}

TEST_CASE("the protocol above is the first of the server's that the client speaks") {
  testing::run([] {
    const auto agreed = [](std::vector<std::string> at_client, std::vector<std::string> at_server) {
      const Ends ends =
          make_ends(client_context([&](TlsClientOptions& options) { options.alpn = at_client; }),
                    server_context([&](TlsServerOptions& options) { options.alpn = at_server; }));
      CHECK(ends.client->alpn_protocol() == ends.server->alpn_protocol());
      return ends.client->alpn_protocol();
    };
    CHECK(agreed({"h2", "http/1.1"}, {"http/1.1", "h2"}) == "http/1.1");
    CHECK(agreed({"h2", "http/1.1"}, {"h2"}) == "h2");
    CHECK(agreed({"h2"}, {"http/1.1"}).empty());
    CHECK(agreed({}, {"h2"}).empty());
    CHECK(agreed({"h2"}, {}).empty());
  });
}

TEST_CASE("both sides speak the newest version that both may, and none below the least") {
  testing::run([] {
    const auto spoken = [](TlsVersion most) {
      const Ends ends =
          make_ends(client_context([&](TlsClientOptions& options) { options.most = most; }),
                    server_context());
      CHECK(ends.client->cipher() == ends.server->cipher());
      CHECK(ends.client->cipher().size() > 5);
      return ends.client->version();
    };
    CHECK(spoken(TlsVersion::Tls13) == "TLSv1.3");
    CHECK(spoken(TlsVersion::Tls12) == "TLSv1.2");
    const TlsContext modern =
        client_context([](TlsClientOptions& options) { options.least = TlsVersion::Tls13; });
    const TlsContext old =
        server_context([](TlsServerOptions& options) { options.most = TlsVersion::Tls12; });
    auto ends = MemoryStream::pair();
    const auto [at_client, at_server] =
        both_errors([&] { wrap_client(std::move(ends.first), modern, "localhost"); },
                    [&] { wrap_server(std::move(ends.second), old); });
    CHECK(contains(at_client, "alert protocol version"));
    CHECK(contains(at_server, "unsupported protocol"));
  });
}

TEST_CASE("options that cannot be are refused by name") {
  const auto client = [](const TlsClientOptions& options) {
    return error_of([&] { TlsContext::client(options); });
  };
  const auto server = [](const TlsServerOptions& options) {
    return error_of([&] { TlsContext::server(options); });
  };
  CHECK(client({.alpn = {"h2", ""}}) == "ValueError('alpn: '' is empty or longer than 255 bytes')");
  CHECK(client({.alpn = {std::string(256, 'x')}}).starts_with("ValueError('alpn: "));
  CHECK(client({.verify = false}) == "ValueError('check_hostname: it is on, and verify is off')");
  CHECK(client({.least = TlsVersion::Tls13, .most = TlsVersion::Tls12}) ==
        "ValueError('least: it is above most')");
  CHECK(client({.roots = {Pem::text("none")}}) == "weft::TlsError('roots: no start line')");
  CHECK(server({.identity = localhost(), .clients = ClientCertificates::Required}) ==
        "ValueError('client_roots: there are none to verify clients by')");
  CHECK(server({.identity = {localhost().chain, make_certificate().key}}) ==
        "weft::TlsError('private key: key values mismatch')");
  CHECK(server({.identity = {Pem::text(""), localhost().key}}) ==
        "weft::TlsError('certificate: no start line')");
}

TEST_CASE("a key that is encrypted needs its password, and nobody is asked for it") {
  const TlsIdentity identity = encrypted_identity("secret");
  CHECK(
      contains(error_of([&] { TlsContext::server({.identity = {identity.chain, identity.key}}); }),
               "weft::TlsError('private key: "));
  CHECK(contains(
      error_of([&] { TlsContext::server({.identity = {identity.chain, identity.key, "wrong"}}); }),
      "weft::TlsError('private key: "));
  CHECK_FALSE(
      TlsContext::server({.identity = {identity.chain, identity.key, "secret"}}).is_client());
}

TEST_CASE("files of certificates and keys do, too, also both in one file") {
  const std::string path = "/tmp/weft-tls-both-" + std::to_string(getpid()) + ".pem";
  std::ofstream(path) << localhost().key.pem() << localhost().chain.pem();
  const TlsContext server = TlsContext::server({.identity = {Pem::file(path), Pem::file(path)}});
  CHECK(error_of([&] {
          TlsContext::server({.identity = {Pem::file(path), Pem::file("/dev/null")}});
        }) == "weft::TlsError('private key in /dev/null: unsupported')");
  std::remove(path.c_str());
  testing::run([&] { CHECK(make_ends(client_context(), server).client->version() == "TLSv1.3"); });
}

TEST_SUITE_END();
