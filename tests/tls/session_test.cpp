// Connections that are resumed.
#include <weft/tls/stream.h>

#include "ends.h"

using namespace weft;

namespace {

template <TlsVersion version>
struct Of {
  static constexpr TlsVersion kVersion = version;
  static TlsContext client() {
    return client_context([](TlsClientOptions& options) { options.most = version; });
  }
};
using Tls12 = Of<TlsVersion::Tls12>;
using Tls13 = Of<TlsVersion::Tls13>;

/// One that has been read from.
TlsSession session_of(const TlsContext& client, const TlsContext& server) {
  const Ends ends = make_ends(client, server);
  ends.server->write_all("x");
  read_part(*ends.client);
  return ends.client->session();
}

}  // namespace

TEST_SUITE_BEGIN("TlsSession");

TEST_CASE_TEMPLATE("by a session the next handshake is a short one, on both sides", V, Tls12,
                   Tls13) {
  testing::run([] {
    const TlsContext client = V::client();
    TlsSession session = session_of(client, server_context());
    for (int i = 0; i < 2; ++i) {  // and what that gives is good for one more
      REQUIRE(session);
      const Ends again =
          make_ends(MemoryStream::pair(), client, server_context(), "localhost", session);
      CHECK(again.client->session_reused());
      CHECK(again.server->session_reused());
      again.server->write_all("x");
      CHECK(read_part(*again.client) == "x");
      session = again.client->session();
    }
  });
}

TEST_CASE("a server of TLS 1.3 gives none away before it has written something") {
  testing::run([] {
    const Ends ends = make_ends();
    CHECK_FALSE(ends.client->session());
    ends.client->write_all("x");
    read_part(*ends.server);
    CHECK_FALSE(ends.client->session());
    ends.server->write_all("x");
    read_part(*ends.client);
    CHECK(ends.client->session());
    CHECK_FALSE(ends.server->session());
  });
}

TEST_CASE_TEMPLATE("a server that gives no tickets is not resumed", V, Tls12, Tls13) {
  testing::run([] {
    const TlsContext client = V::client();
    const TlsContext none = server_context([](TlsServerOptions& options) { options.tickets = 0; });
    CHECK_FALSE(session_of(client, none));
  });
}

TEST_CASE_TEMPLATE("a server that does not know the session makes a long handshake", V, Tls12,
                   Tls13) {
  testing::run([] {
    const TlsContext client = V::client();
    const TlsContext other = server_context([](TlsServerOptions&) {});
    const auto session = session_of(client, server_context());
    const Ends ends = make_ends(MemoryStream::pair(), client, other, "localhost", session);
    CHECK_FALSE(ends.client->session_reused());
    CHECK_FALSE(ends.server->session_reused());
  });
}

TEST_CASE_TEMPLATE("a client that showed a certificate is known by its session", V, Tls12, Tls13) {
  testing::run([] {
    const TlsContext client = client_context([](TlsClientOptions& options) {
      options.most = V::kVersion;
      options.identity = signed_for("client.example");
    });
    const TlsContext server = server_context(
        [](TlsServerOptions& options) { options.clients = ClientCertificates::Required; });
    const auto session = session_of(client, server);
    REQUIRE(session);
    const Ends ends = make_ends(MemoryStream::pair(), client, server, "localhost", session);
    CHECK(ends.server->session_reused());
    REQUIRE(ends.server->peer_certificate());
    CHECK(ends.server->peer_certificate()->subject == "CN=client.example");
  });
}

TEST_CASE("a session is refused for another context or host: it has been verified for its own") {
  testing::run([] {
    const auto session = session_of(client_context(), server_context());
    const TlsContext other = client_context([](TlsClientOptions&) {});
    const std::shared_ptr<ByteStream> stream = MemoryStream::pair().first;
    CHECK(error_of([&] { wrap_client(stream, other, "localhost", session); }) ==
          "ValueError('session: it refers to a different TlsContext')");
    CHECK(error_of([&] { wrap_client(stream, client_context(), "127.0.0.1", session); }) ==
          "ValueError('session: it is of 'localhost', not of '127.0.0.1'')");
    CHECK_FALSE(stream->closed());
  });
}

TEST_SUITE_END();
