// Handshakes: how they end, when nobody answers, and when somebody else does.
#include <cerrno>

#include <weft/task/timeout.h>
#include <weft/tls/stream.h>

#include "../net/sockets.h"
#include "ends.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle;

namespace {

/// Each side of a handshake, over one end of a connection in memory; the other end is the test's.
struct Client {
  static std::unique_ptr<TlsStream> wrap(std::shared_ptr<ByteStream> stream) {
    return wrap_client(std::move(stream), client_context(), "localhost");
  }
  static constexpr const char* kWith = "TLS handshake with localhost";
  static constexpr const char* kGarbage = "SSH-2.0-OpenSSH_9.2\r\n";
  static constexpr const char* kVerdict = "wrong version number";
};
struct Server {
  static std::unique_ptr<TlsStream> wrap(std::shared_ptr<ByteStream> stream) {
    return wrap_server(std::move(stream), server_context());
  }
  static constexpr const char* kWith = "TLS handshake";
  static constexpr const char* kGarbage = "GET / HTTP/1.0\r\n\r\n";
  static constexpr const char* kVerdict = "http request";
};

struct Fixture {
  std::shared_ptr<MemoryStream> near;
  std::unique_ptr<MemoryStream> far;

  Fixture() {
    auto both = MemoryStream::pair();
    near = std::move(both.first);
    far = std::move(both.second);
  }
};

}  // namespace

#define SIDES Client, Server

TEST_SUITE_BEGIN("TLS handshakes");

TEST_CASE("both sides know what was agreed, and whom the client wants to reach") {
  testing::run([] {
    const Ends ends = make_ends();
    CHECK(ends.client->server_hostname() == "localhost");
    CHECK(ends.server->server_hostname() == "localhost");
    CHECK(ends.client->version() == "TLSv1.3");
    CHECK(ends.client->cipher() == ends.server->cipher());
    REQUIRE(ends.client->peer_certificate());
    CHECK(ends.client->peer_certificate()->pem + authority().chain.pem() ==
          localhost().chain.pem());
    CHECK_FALSE(ends.server->peer_certificate());
    CHECK_FALSE(ends.client->session_reused());
  });
}

TEST_CASE("an address is verified, but not told to the server") {
  testing::run([] {
    const Ends ends =
        make_ends(MemoryStream::pair(), client_context(), server_context(), "127.0.0.1");
    CHECK(ends.client->server_hostname() == "127.0.0.1");
    CHECK(ends.server->server_hostname().empty());
  });
}

TEST_CASE("it needs no room: a stream that takes a byte at a time will do") {
  testing::run([] {
    const Ends ends = make_ends(MemoryStream::pair(1), client_context(), server_context());
    const auto writer = create_task([&] { ends.server->write_all("hello"); });
    std::string got;
    while (got.size() < 5) got += read_part(*ends.client);
    CHECK(got == "hello");
    writer.await();
    ends.client->abort();  // it would wait for room to say that it ends
    ends.server->abort();
  });
}

TEST_CASE_TEMPLATE("cancelled before it waits, it closes the stream", S, SIDES) {
  testing::run([] {
    Fixture it;
    const auto task = create_task([&] {
      current_task().cancel();
      S::wrap(it.near);
    });
    settle();
    CHECK(task.cancelled());
    CHECK(it.near->closed());
  });
}

TEST_CASE_TEMPLATE("cancelled while it waits, or when its peer has just answered, too", S, SIDES) {
  testing::run([] {
    for (const bool answered : {false, true}) {
      INFO("answered ", answered);
      Fixture it;
      const auto task = create_task([&] { S::wrap(it.near); });
      settle();
      CHECK_FALSE(task.done());
      if (answered) it.far->write_all("\x16");
      task.cancel();
      settle();
      CHECK(task.cancelled());
      CHECK(it.near->closed());
    }
  });
}

TEST_CASE_TEMPLATE("a limit on it is kept, and closes the stream", S, SIDES) {
  testing::run([] {
    Fixture it;
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(10s, [&] { S::wrap(it.near); }), weft::TimeoutError);
    CHECK(now() - start == 10s);
    CHECK(it.near->closed());
  });
}

TEST_CASE_TEMPLATE("a loop that is closed ends it", S, SIDES) {
  Fixture it;
  Log log;
  EventLoop loop;
  loop.set_exception_handler(
      [&](const ExceptionContext& context) { log(std::string(context.message)); });
  loop.call_soon([&] { create_task([&] { log(error_of([&] { S::wrap(it.near); })); }); });
  for (int i = 0; i < 3; ++i) loop.run_once(Duration(0));
  CHECK(log.empty());
  loop.close();
  CHECK(log == Log{"Task was destroyed but it is pending!", "GeneratorExit()"});
  CHECK(it.near->closed());
}

TEST_CASE_TEMPLATE("what is no TLS is told by OpenSSL's text, and closes the stream", S, SIDES) {
  testing::run([] {
    Fixture it;
    it.far->write_all(S::kGarbage);
    CHECK(error_of([&] { S::wrap(it.near); }) ==
          std::string("weft::TlsError('") + S::kWith + ": " + S::kVerdict + "')");
    CHECK(it.near->closed());
  });
}

TEST_CASE_TEMPLATE("a peer that closes in the middle leaves a TlsEofError", S, SIDES) {
  testing::run([] {
    Fixture it;
    const auto task = create_task([&] { return error_of([&] { S::wrap(it.near); }); });
    settle();
    it.far->close();
    CHECK(task.await() ==
          std::string("weft::TlsEofError('") + S::kWith + ": unexpected eof while reading')");
    CHECK(it.near->closed());
  });
}

TEST_CASE_TEMPLATE("a connection that is reset in the middle is the stream's error", S, SIDES) {
  testing::run([] {
    Connection both(Kind::IPv4);
    const auto stream = std::make_shared<SocketStream>(std::move(both.client));
    const auto task = create_task([&] { return errno_of([&] { S::wrap(stream); }); });
    settle();
    both.server.set_reset_on_close(true);
    both.server.close();
    CHECK(task.await() == ECONNRESET);
    CHECK(stream->closed());
  });
}

TEST_CASE_TEMPLATE("outside a task it is refused", S, SIDES) {
  Fixture it;
  CHECK(contains(error_of([&] { S::wrap(it.near); }), "RuntimeError('"));
  CHECK(it.near->closed());
}

TEST_CASE("wrong arguments are named, and leave the stream alone") {
  testing::run([] {
    Fixture it;
    const auto client = [&](std::string_view host) {
      return error_of([&] { wrap_client(it.near, client_context(), host); });
    };
    CHECK(error_of([] { wrap_client(nullptr, client_context(), "x"); }) ==
          "ValueError('stream: there is none')");
    CHECK(error_of([] { wrap_server(nullptr, server_context()); }) ==
          "ValueError('stream: there is none')");
    CHECK(error_of([&] { wrap_client(it.near, server_context(), "x"); }) ==
          "ValueError('context: it is a server's')");
    CHECK(error_of([&] { wrap_server(it.near, client_context()); }) ==
          "ValueError('context: it is a client's')");
    CHECK(client("") == "ValueError('server_hostname: check_hostname requires it')");
    CHECK(client(".example") == "ValueError('server_hostname: it is no name of a host')");
    CHECK(client(std::string_view("a\0b", 3)) ==
          "ValueError('server_hostname: it is no name of a host')");
    CHECK_FALSE(it.near->closed());
    CHECK(it.far->readable() == 0);
  });
}

TEST_SUITE_END();
