#include <weft/tls/streams.h>

#include <cerrno>
#include <string>
#include <vector>

#include <weft/coro/async_for.h>
#include <weft/net/resolver.h>
#include <weft/task/timeout.h>

#include "../net/sockets.h"
#include "ends.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle;

namespace {

Address loopback() { return free_address(Kind::IPv4); }

const TlsConnectionOptions kLocalhost{.server_hostname = "localhost"};

void echo_lines(StreamReader reader, StreamWriter writer) {
  async_for(reader, [&](const std::string& line) {
    writer.write(line);
    writer.drain();
  });
}

/// A server that takes the tests' certificate for granted.
Server serve(ClientConnected callback, const TlsServingOptions& options = {}) {
  return start_tls_server(std::move(callback), loopback(), server_context(), options);
}

void end(const Server& server) {
  Server it(server);
  it.close();
  it.wait_closed();
  settle();  // what is left of closed streams
}

/// Two plain connections, the second one accepted.
std::pair<Streams, Streams> plain() {
  auto [a, b] = Socket::pair();
  return {open_streams(std::move(a)), open_streams(std::move(b))};
}

/// Each waiting function that makes a client's handshake, over a socket whose peer is the test.
struct Opens {
  Socket listener = Socket::listen(loopback());
  std::optional<Socket> peer;

  void wait() { open_tls_connection(listener.local_address(), client_context(), kLocalhost); }
  void meet() { peer = listener.accept(); }
};
struct Upgrades {
  std::pair<Socket, Socket> both = Socket::pair();
  std::optional<Socket> peer = std::move(both.second);

  void wait() {
    start_tls(open_streams(std::move(both.first)), client_context(),
              {.server_hostname = "localhost"});
  }
  void meet() {}
};

std::string rest_of(Socket& socket) {
  std::string all;
  for (std::string part; !(part = socket.recv(65536)).empty();) all += part;
  return all;
}

}  // namespace

#define WAITS Opens, Upgrades

TEST_SUITE_BEGIN("open_tls_connection, start_tls, start_tls_server");

TEST_CASE_TEMPLATE("lines go to a server and come back, over each selector", S, SELECTORS) {
  run_on<S>([] {
    const Server server = serve(echo_lines);
    std::vector<Task<>> clients;
    for (int i = 0; i < 5; ++i)
      clients.push_back(create_task([&, i] {
        auto [reader, writer] =
            open_tls_connection(server.local_address(), client_context(), kLocalhost);
        CHECK(tls_of(writer).version() == "TLSv1.3");
        for (int n = 0; n < 10; ++n) {
          const std::string line = std::to_string(i) + "." + std::to_string(n) + "\n";
          writer.write(line);
          CHECK(reader.readline() == line);
        }
        writer.write_eof();
        CHECK(reader.read_all().empty());
      }));
    for (const auto& client : clients) client.await();
    end(server);
  });
}

TEST_CASE("without a name the address is what the certificate must be for") {
  testing::run([] {
    const Server server = serve(echo_lines);
    auto streams = open_tls_connection(server.local_address(), client_context());
    CHECK(tls_of(streams).server_hostname() == "127.0.0.1");
    CHECK(errno_of([&] {
            open_tls_connection(server.local_address(), client_context(),
                                {.server_hostname = "wrong.example"});
          }) == 62);  // X509_V_ERR_HOSTNAME_MISMATCH
    streams.writer.close();
    end(server);
    if (!has_ipv6()) return;
    const Server six = start_tls_server(echo_lines, free_address(Kind::IPv6), server_context());
    CHECK(tls_of(open_tls_connection(six.local_address(), client_context())).server_hostname() ==
          "::1");
    end(six);
  });
}

TEST_CASE("a host is connected to and served by its name, which its certificate must be for") {
  testing::run([] {
    struct Loopback final : Resolver {
      std::vector<AddressInfo> getaddrinfo(const std::string&, const std::string& service,
                                           const AddressHints&) override {
        return {{Address::ip("127.0.0.1", std::stoi(service))}};
      }
    };
    const UseResolver use(std::make_shared<Loopback>());
    const Server server = start_tls_server(echo_lines, "some.host", 0, server_context());
    const int port = server.local_address().port();
    auto streams = open_tls_connection("localhost", port, client_context());
    CHECK(tls_of(streams).server_hostname() == "localhost");
    streams.writer.write("by name\n");
    CHECK(streams.reader.readline() == "by name\n");
    CHECK(contains(error_of([&] { open_tls_connection("some.host", port, client_context()); }),
                   "hostname mismatch"));
    CHECK(tls_of(open_tls_connection("some.host", port, client_context(), kLocalhost)).version() ==
          "TLSv1.3");
    streams.writer.close();
    end(server);
  });
}

TEST_CASE("a session of one connection shortens the next") {
  testing::run([] {
    const Server server = serve(echo_lines);
    TlsConnectionOptions options = kLocalhost;
    for (const bool resumed : {false, true}) {
      auto [reader, writer] =
          open_tls_connection(server.local_address(), client_context(), options);
      CHECK(tls_of(writer).session_reused() == resumed);
      writer.write("line\n");
      reader.readline();
      options.session = tls_of(writer).session();
    }
    end(server);
  });
}

TEST_CASE("megabytes go through, and the writer closes behind them") {
  testing::run([] {
    const std::string big(3'000'000, 'x');
    const Server server = serve([&](StreamReader, StreamWriter writer) { writer.write(big); });
    auto [reader, writer] =
        open_tls_connection(server.local_address(), client_context(), kLocalhost);
    CHECK((reader.read_all() == big));
    end(server);
  });
}

TEST_CASE("handshakes that fail are told to who has asked for that, and the server goes on") {
  testing::run([] {
    Log log;
    TlsServingOptions options;
    options.handshake_failed = [&](const std::exception_ptr& error, const std::string& peer) {
      CHECK(peer.starts_with("127.0.0.1:"));
      log(describe(error).substr(0, describe(error).find(" with")));
    };
    const Server server = serve(echo_lines, options);
    {
      auto [reader, writer] = open_connection(server.local_address());
      writer.write("GET / HTTP/1.0\r\n\r\n");
      reader.read_all();
    }
    {
      auto [reader, writer] = open_connection(server.local_address());
    }
    settle();
    CHECK(log == Log{"weft::TlsError('TLS handshake", "weft::TlsEofError('TLS handshake"});
    CHECK(server.clients() == 0);
    auto streams = open_tls_connection(server.local_address(), client_context(), kLocalhost);
    CHECK(server.is_serving());
    streams.writer.close();
    end(server);
  });
}

TEST_CASE("nobody is told if nobody has asked") {
  testing::run([] {  // which would find what the exception handler is told
    const Server server = serve(echo_lines);
    auto [reader, writer] = open_connection(server.local_address());
    writer.write("GET / HTTP/1.0\r\n\r\n");
    CHECK(reader.read_all().empty());
    end(server);
  });
}

TEST_CASE("a client that keeps silent is left after the handshake's time") {
  testing::run([] {
    std::string told;
    const TimePoint start = now();
    TlsServingOptions options{.handshake_timeout = 10s};
    options.handshake_failed = [&](const std::exception_ptr& error, const std::string&) {
      told = describe(error);
    };
    const Server server = serve(echo_lines, options);
    auto [reader, writer] = open_connection(server.local_address());
    CHECK(reader.read_all().empty());
    CHECK(now() - start == 10s);
    CHECK(contains(told, "TimeoutError('TLS handshake with 127.0.0.1:"));
    CHECK(contains(told, ": not made within 10000 ms')"));
    end(server);
  });
}

TEST_CASE("a server that keeps silent is left after the handshake's time, and named") {
  testing::run([] {
    const Socket silent = Socket::listen(loopback());
    const TimePoint start = now();
    CHECK(error_of([&] {
            open_tls_connection(silent.local_address(), client_context(),
                                {.server_hostname = "localhost", .handshake_timeout = 2s});
          }) == "TimeoutError('TLS handshake with " + silent.local_address().to_string() +
                    ": not made within 2000 ms')");
    CHECK(now() - start == 2s);
  });
}

TEST_CASE("what a callback throws is reported, and closes its connection in order") {
  testing::run([] {
    Log log;
    get_running_loop().set_exception_handler(
        [&](const ExceptionContext& context) { log(describe(context.exception)); });
    const Server server =
        serve([](StreamReader reader, StreamWriter) { throw ValueError(reader.readline()); });
    auto [reader, writer] =
        open_tls_connection(server.local_address(), client_context(), kLocalhost);
    writer.write("no");
    writer.write_eof();
    CHECK(reader.read_all().empty());
    settle();
    CHECK(log == Log{"ValueError('no')"});
    end(server);
  });
}

TEST_CASE("close_clients() delivers what is buffered, and brings readers to their end") {
  testing::run([] {
    Log log;
    const std::string big(3'000'000, 'x');
    Server server = serve([&](StreamReader reader, StreamWriter writer) {
      writer.write(big);
      log("read " + reader.readline());
    });
    auto [reader, writer] =
        open_tls_connection(server.local_address(), client_context(), kLocalhost);
    settle();
    server.close_clients();
    CHECK((reader.read_all() == big));
    end(server);
    CHECK(log == Log{"read "});
  });
}

TEST_CASE("abort_clients() ends connections at once, and those that shake hands, too") {
  testing::run([] {
    int failed = 0;
    TlsServingOptions options;
    options.handshake_failed = [&](const std::exception_ptr&, const std::string&) { ++failed; };
    Server server = serve(
        [&](StreamReader reader, StreamWriter writer) {
          writer.write(std::string(3'000'000, 'x'));
          CHECK(reader.readline().empty());
        },
        options);
    auto [reader, writer] =
        open_tls_connection(server.local_address(), client_context(), kLocalhost);
    auto silent = open_connection(server.local_address());
    settle();
    CHECK(server.clients() == 2);
    server.abort_clients();
    settle();
    CHECK(server.clients() == 0);
    CHECK(failed == 1);
    CHECK(contains(error_of([&, &r = reader] { r.read_all(); }), "weft::TlsEofError('"));
    CHECK(silent.reader.read_all().empty());
    end(server);
  });
}

TEST_CASE("drain() gives connections time, and names those that are left") {
  testing::run([] {
    Server server = serve([](StreamReader reader, StreamWriter writer) {
      if (reader.readline() == "slow\n") sleep(24h);
      writer.write("done\n");
    });
    auto quick = open_tls_connection(server.local_address(), client_context(), kLocalhost);
    auto slow = open_tls_connection(server.local_address(), client_context(), kLocalhost);
    quick.writer.write("quick\n");
    slow.writer.write("slow\n");
    settle();
    const auto names = server.drain(5s);
    REQUIRE(names.size() == 1);
    CHECK(names[0].ends_with(" (in sleep)"));
    CHECK(quick.reader.read_all() == "done\n");
    CHECK(contains(error_of([&] { slow.reader.read_all(); }), "weft::TlsEofError('"));
  });
}

TEST_CASE("an idle connection fails after its time, TLS or not") {
  testing::run([] {
    const TimePoint start = now();
    TlsServingOptions options;
    options.server.idle = 10s;
    const Server server = serve(echo_lines, options);
    auto [reader, writer] =
        open_tls_connection(server.local_address(), client_context(), kLocalhost);
    sleep(8s);
    writer.write("in time\n");
    CHECK(reader.readline() == "in time\n");
    CHECK(reader.readline().empty());
    CHECK(now() - start == 18s);
    end(server);
  });
}

TEST_CASE("a connection goes on by TLS when both sides have said so") {
  testing::run([] {
    auto [client, server] = plain();
    const auto serving = create_task([&server = server] {
      CHECK(server.reader.readline() == "STARTTLS\n");
      server.writer.write("go ahead\n");
      auto [reader, writer] = start_tls(std::move(server), server_context());
      CHECK(reader.readline() == "secret\n");
      writer.write("known\n");
    });
    client.writer.write("STARTTLS\n");
    CHECK(client.reader.readline() == "go ahead\n");
    ByteStream& socket = client.writer.stream();
    {
      auto [reader, writer] =
          start_tls(std::move(client), client_context(), {.server_hostname = "localhost"});
      CHECK(&tls_of(writer).transport() == &socket);
      CHECK(tls_of(writer).version() == "TLSv1.3");
      writer.write("secret\n");
      CHECK(reader.read_all() == "known\n");
    }
    serving.await();
  });
}

TEST_CASE("the handshake comes behind all that was written in plain") {
  testing::run([] {
    auto [client, server] = plain();
    const std::string big(1'000'000, 'x');
    server.writer.write(big);
    const auto upgraded =
        create_task([&server = server] { return start_tls(std::move(server), server_context()); });
    settle();
    CHECK((client.reader.readexactly(big.size()) == big));
    const Streams secure =
        start_tls(std::move(client), client_context(), {.server_hostname = "localhost"});
    CHECK(tls_of(upgraded.await()).version() == "TLSv1.3");
  });
}

TEST_CASE("what the peer sent before the handshake is refused: somebody may have put it there") {
  testing::run([] {
    auto [client, server] = plain();
    server.writer.write("go ahead\n220 injected\n");
    CHECK(client.reader.readline() == "go ahead\n");
    CHECK(error_of([&client = client] {
            start_tls(std::move(client), client_context(), {.server_hostname = "localhost"});
          }) ==
          "std::system_error('start_tls: the peer sent 13 bytes before the handshake: "
          "Protocol error')");
    CHECK(server.reader.read_all().empty());
  });
}

TEST_CASE_TEMPLATE("what is no TLS is told, and the connection closed", W, WAITS) {
  testing::run([] {
    W it;
    const auto task = create_task([&] { return error_of([&] { it.wait(); }); });
    settle();
    it.meet();
    it.peer->send_all("HTTP/1.1 400 Bad Request\r\n\r\n");
    CHECK(task.await() == "weft::TlsError('TLS handshake with localhost: wrong version number')");
    CHECK_FALSE(rest_of(*it.peer).empty());
  });
}

TEST_CASE("misuse is refused by name") {
  testing::run([] {
    CHECK(error_of([] { start_tls_server(echo_lines, loopback(), client_context()); }) ==
          "ValueError('context: it is a client's')");
    TlsServingOptions wrapped;
    wrapped.server.wrap = [](std::shared_ptr<ByteStream> stream) { return stream; };
    CHECK(error_of([&] { serve(echo_lines, wrapped); }) ==
          "ValueError('server.wrap: start_tls_server sets it')");
    CHECK(error_of([] { serve({}); }) == "ValueError('callback: it is empty')");
    auto [a, b] = plain();
    CHECK(error_of([&a = a] { tls_of(a); }) == "ValueError('streams: there is no TLS below them')");
    CHECK(error_of([&a = a, &b = b] {
            start_tls({std::move(a.reader), std::move(b.writer)}, client_context());
          }) == "ValueError('plain: it is of two different streams')");
  });
}

TEST_SUITE_END();
