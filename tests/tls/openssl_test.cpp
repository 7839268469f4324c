// OpenSSL's own programs as peers: s_server and s_client.
#include <string>
#include <vector>

#include <weft/tls/streams.h>

#include "peer.h"

using namespace std::chrono_literals;
using namespace weft;

namespace {

const bool has_openssl = have("openssl version | grep '^OpenSSL 3'");

struct V12 {
  static constexpr const char* kOption = "-tls1_2";
  static constexpr const char* kName = "TLSv1.2";
};
struct V13 {
  static constexpr const char* kOption = "-tls1_3";
  static constexpr const char* kName = "TLSv1.3";
};

/// There are real programs to wait for.
void run_in_real_time(const std::function<void()>& body) {
  testing::run({.real_time = true, .selector = nullptr}, [&] {
    body();
    testing::settle();
  });
}

/// `openssl s_server`, which sends each line back from its end to its beginning.
struct ServerPeer {
  Folder folder;
  Peer peer;
  Address address;

  explicit ServerPeer(const TlsIdentity& identity, const std::vector<std::string>& options = {})
      : peer(command(folder, identity, options)),
        address(Address::parse(peer.line_after("ACCEPT "))) {}

  static std::vector<std::string> command(const Folder& folder, const TlsIdentity& identity,
                                          const std::vector<std::string>& options) {
    const std::string chain = folder.write("chain.pem", identity.chain.pem());
    std::vector<std::string> all{"openssl",
                                 "s_server",
                                 "-accept",
                                 "127.0.0.1:0",
                                 "-rev",
                                 "-cert",
                                 chain,
                                 "-cert_chain",
                                 chain,
                                 "-key",
                                 folder.write("key.pem", identity.key.pem()),
                                 "-CAfile",
                                 folder.write("authority.pem", authority().chain.pem())};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }

  Streams connect(const TlsContext& context = client_context(),
                  const std::string& host = "localhost", const TlsSession& session = {}) const {
    return open_tls_connection(address, context, {.server_hostname = host, .session = session});
  }
};

std::string ask(Streams& streams, const std::string& line) {
  streams.writer.write(line + "\n");
  return streams.reader.readline();
}

/// weft's server, and `openssl s_client` that has connected to it.
struct ClientPeer {
  Folder folder;
  Server server;
  std::optional<Peer> peer;

  ClientPeer(ClientConnected callback, const TlsContext& context)
      : server(start_tls_server(std::move(callback), Address::ip("127.0.0.1", 0), context)) {}
  ClientPeer(const ClientPeer&) = delete;
  ClientPeer& operator=(const ClientPeer&) = delete;
  ~ClientPeer() {
    server.close();
    server.wait_closed();
  }

  Peer& connect(const std::vector<std::string>& options) {
    std::vector<std::string> all{"openssl",
                                 "s_client",
                                 "-connect",
                                 server.local_address().to_string(),
                                 "-CAfile",
                                 folder.write("authority.pem", authority().chain.pem()),
                                 "-servername",
                                 "localhost",
                                 "-verify_hostname",
                                 "localhost",
                                 "-verify_return_error"};
    all.insert(all.end(), options.begin(), options.end());
    return peer.emplace(all);
  }
};

}  // namespace

TEST_SUITE_BEGIN("openssl" * doctest::skip(!has_openssl));

TEST_CASE_TEMPLATE("s_server answers a client of weft's", V, V12, V13) {
  run_in_real_time([] {
    const ServerPeer it(localhost(), {V::kOption});
    Streams streams = it.connect();
    CHECK(tls_of(streams).version() == V::kName);
    CHECK(ask(streams, "hello") == "olleh\n");
    CHECK(ask(streams, std::string(10'000, 'a') + "b") == "b" + std::string(10'000, 'a') + "\n");
  });
}

TEST_CASE("s_server that is not who it should be is refused") {
  run_in_real_time([] {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto verdict = [](const TlsIdentity& identity, const std::string& host) {
      const ServerPeer it(identity);
      try {
        it.connect(client_context(), host);
      } catch (const CertificateVerificationError& error) {
        return error.verify_message();
      }
      return std::string("trusted");
    };
    const TlsIdentity expired =
        make_certificate({.not_before = now - 48h, .not_after = now - 24h}, &authority());
    CHECK(verdict(localhost(), "localhost") == "trusted");
    CHECK(verdict(localhost(), "wrong.example") == "hostname mismatch");
    CHECK(verdict(expired, "localhost") == "certificate has expired");
    CHECK(verdict(make_certificate(), "localhost") == "self-signed certificate");
  });
}

TEST_CASE_TEMPLATE("s_server that requires a certificate gets it, or refuses", V, V12, V13) {
  run_in_real_time([] {
    const ServerPeer it(localhost(), {V::kOption, "-Verify", "1", "-verify_return_error"});
    const TlsContext named = client_context(
        [](TlsClientOptions& options) { options.identity = signed_for("client.example"); });
    Streams streams = it.connect(named);
    CHECK(ask(streams, "known") == "nwonk\n");
    streams.writer.close();
    CHECK(contains(
        error_of([&] {
          Streams unknown = it.connect();
          unknown.reader.readline();
        }),
        V::kName == std::string("TLSv1.2") ? "handshake failure" : "alert certificate required"));
  });
}

TEST_CASE("s_server chooses the protocol above") {
  run_in_real_time([] {
    const ServerPeer it(localhost(), {"-alpn", "http/1.1"});
    const TlsContext client =
        client_context([](TlsClientOptions& options) { options.alpn = {"h2", "http/1.1"}; });
    CHECK(tls_of(it.connect(client)).alpn_protocol() == "http/1.1");
  });
}

TEST_CASE_TEMPLATE("s_server resumes a session", V, V12, V13) {
  run_in_real_time([] {
    const ServerPeer it(localhost(), {V::kOption});
    TlsSession session;
    for (const bool resumed : {false, true}) {
      Streams streams = it.connect(client_context(), "localhost", session);
      CHECK(ask(streams, "again") == "niaga\n");
      CHECK(tls_of(streams).session_reused() == resumed);
      session = tls_of(streams).session();
      CHECK(session);
    }
  });
}

TEST_CASE_TEMPLATE("s_client talks to a server of weft's, and both ends are announced", V, V12,
                   V13) {
  run_in_real_time([] {
    std::string version, host, got;
    ClientPeer it(
        [&](StreamReader reader, StreamWriter writer) {
          version = tls_of(writer).version();
          host = tls_of(writer).server_hostname();
          writer.write(reader.readline());
          got = reader.read_all();  // throws if the end is not announced
          writer.write("bye\n");
        },
        server_context());
    Peer& peer = it.connect({V::kOption, "-quiet", "-no_ign_eof"});
    peer.writer.write("hello\n");
    CHECK(peer.line_after("hel") == "lo");
    peer.writer.write("more\n");
    peer.rest();
    it.server.close();
    it.server.wait_closed();
    CHECK(version == V::kName);
    CHECK(host == "localhost");
    CHECK(got == "more\n");
  });
}

TEST_CASE("s_client finds the server's certificate good, or not") {
  run_in_real_time([] {
    ClientPeer it([](StreamReader reader, StreamWriter) { reader.read_all(); }, server_context());
    CHECK(contains(it.connect({"-brief"}).rest(), "Verification: OK"));
    CHECK(contains(it.connect({"-brief", "-verify_hostname", "wrong.example"}).rest(),
                   "hostname mismatch"));
  });
}

TEST_CASE_TEMPLATE("s_client is asked for a certificate, and refused without", V, V12, V13) {
  run_in_real_time([] {
    std::string subject = "none";
    ClientPeer it(
        [&](StreamReader, StreamWriter writer) {
          subject = tls_of(writer).peer_certificate()->subject;
          writer.write("welcome\n");
        },
        server_context(
            [](TlsServerOptions& options) { options.clients = ClientCertificates::Required; }));
    const TlsIdentity client = signed_for("client.example");
    CHECK(contains(it.connect({V::kOption, "-quiet"}).rest(), "alert"));
    CHECK(subject == "none");
    const std::string chain = it.folder.write("client.pem", client.chain.pem());
    const std::string key = it.folder.write("client.key", client.key.pem());
    CHECK(contains(it.connect({V::kOption, "-quiet", "-cert", chain, "-key", key}).rest(),
                   "welcome\n"));
    CHECK(subject == "CN=client.example");
  });
}

TEST_CASE("s_client and a server of weft's agree on the protocol above") {
  run_in_real_time([] {
    ClientPeer it([](StreamReader reader, StreamWriter) { reader.read_all(); },
                  server_context([](TlsServerOptions& options) { options.alpn = {"h2"}; }));
    CHECK(contains(it.connect({"-alpn", "http/1.1,h2"}).rest(), "ALPN protocol: h2"));
    CHECK(contains(it.connect({"-alpn", "http/1.1"}).rest(), "No ALPN negotiated"));
  });
}

TEST_CASE_TEMPLATE("s_client comes back by its session", V, V12, V13) {
  run_in_real_time([] {
    std::vector<bool> reused;
    ClientPeer it(
        [&](StreamReader reader, StreamWriter writer) {
          reused.push_back(tls_of(writer).session_reused());
          writer.write(reader.readline());
          reader.read_all();
        },
        server_context());
    const std::string session = it.folder.file("session.pem");
    for (const char* option : {"-sess_out", "-sess_in"}) {
      Peer& peer = it.connect({V::kOption, "-quiet", "-no_ign_eof", option, session});
      peer.writer.write("line\n");
      CHECK(peer.line_after("line").empty());
      peer.rest();
    }
    it.server.close();
    it.server.wait_closed();
    CHECK(reused == std::vector<bool>{false, true});
  });
}

TEST_CASE("s_client renews its keys, and asks the server for new ones") {
  run_in_real_time([] {
    ClientPeer it(
        [](StreamReader reader, StreamWriter writer) {
          for (std::string line; !(line = reader.readline()).empty();) writer.write(line);
        },
        server_context());
    Peer& peer = it.connect({"-tls1_3"});
    peer.line_after("Verify return code: 0");
    for (const char* line : {"first\n", "second\n"}) {
      peer.writer.write("K\n");  // a command, if it comes alone
      peer.line_after("KEYUPDATE");
      peer.writer.write(line);
      peer.line_after(std::string(line, 3));
    }
    peer.writer.write("Q\n");
    CHECK(contains(peer.rest(), "DONE"));
  });
}

TEST_SUITE_END();
