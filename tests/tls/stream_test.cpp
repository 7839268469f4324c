// What TLS adds to a stream: ends that are announced, closing behind what is written, and errors.
#include <weft/tls/stream.h>

#include <cerrno>

#include <sys/socket.h>

#include <weft/task/timeout.h>

#include "../net/sockets.h"
#include "ends.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

MemoryStream& below(const std::unique_ptr<TlsStream>& stream) {
  return dynamic_cast<MemoryStream&>(stream->transport());
}

/// Writes until nothing more goes; returns how much went.
std::size_t fill(ByteStream& stream) {
  const std::string data(10'000, 'x');
  std::size_t all = 0;
  std::string_view piece = data;
  while (const std::size_t count = stream.try_write({&piece, 1})) all += count;
  return all;
}

/// Ends of which the client has written, and the server has to read before that is all gone.
struct Full : Ends {
  std::size_t written;

  Full() : Ends(make_ends(MemoryStream::pair(5000), client_context(), server_context())) {
    written = fill(*client);
  }
};

std::string read_all(ByteStream& stream) {
  std::string all;
  for (std::string part; !(part = read_part(stream)).empty();) all += part;
  return all;
}

}  // namespace

TEST_SUITE_BEGIN("TlsStream");

TEST_CASE("a stream that is cut off is no stream that has ended") {
  testing::run([] {
    const Ends ends = make_ends();
    ends.client->write_all("the first half");
    ends.client->transport().close();
    CHECK(read_part(*ends.server) == "the first half");
    for (int i = 0; i < 2; ++i)
      CHECK(error_of([&] { read_part(*ends.server); }) ==
            "weft::TlsEofError('TLS read: unexpected eof while reading')");
    CHECK(errno_of([&] { ends.server->write_some("x"); }) == EPIPE);
  });
}

TEST_CASE("cut off within a record, nothing of that is read") {
  testing::run([] {
    Full ends;  // the last record is not all there
    ends.client->abort();
    std::string got;
    CHECK(contains(error_of([&] {
                     for (;;) got += read_part(*ends.server);
                   }),
                   "weft::TlsEofError('"));
    CHECK(got.size() < ends.written);
    CHECK(got.find_first_not_of('x') == got.npos);
  });
}

TEST_CASE("bytes that somebody has put in between are refused, and the peer is told") {
  testing::run([] {
    const Ends ends = make_ends();
    ends.client->transport().write_all(std::string("\x17\x03\x03\x00\x20", 5) +
                                       std::string(32, 'x'));
    CHECK(error_of([&] { read_part(*ends.server); }) ==
          "weft::TlsError('TLS read: decryption failed or bad record mac')");
    CHECK(contains(error_of([&] { read_part(*ends.client); }), "alert bad record mac"));
    CHECK(contains(error_of([&] { ends.server->write_some("x"); }), "bad record mac"));
  });
}

TEST_CASE("a writer is held up when the reader is slow: little is kept in between") {
  testing::run([] {
    Full ends;
    constexpr std::size_t kBelow = 5000, kRecord = 16384;
    CHECK(ends.written <= kBelow + kRecord);
    const auto writer = create_task([&] { ends.client->write_all(std::string(1'000'000, 'y')); });
    std::size_t got = 0;
    while (got < ends.written) got += read_part(*ends.server, 100).size();
    settle();
    CHECK_FALSE(writer.done());
    while (got < ends.written + 1'000'000) got += read_part(*ends.server).size();
    writer.await();
  });
}

TEST_CASE("a short write is a record of its own; what is long, or many pieces, is joined") {
  testing::run([] {
    const Ends ends = make_ends();
    constexpr std::size_t kOverhead = 22;
    const auto cost_of = [&](Pieces pieces, std::size_t size) {
      const std::size_t before = below(ends.server).readable();
      ends.client->write_all(pieces);
      return below(ends.server).readable() - before - size;
    };
    const std::string big(16'000, 'x');
    const std::string_view one[] = {"x"};
    const std::string_view many[] = {"a", "", "bc", big, "d"};
    CHECK(cost_of(one, 1) == kOverhead);
    CHECK(cost_of(many, 16'004) == kOverhead);
    CHECK(read_part(*ends.server) == "x");
    CHECK((read_part(*ends.server) == "abc" + big + "d"));
  });
}

TEST_CASE("reading goes on when nobody reads what is written") {
  testing::run([] {
    auto [a, b] = SocketStream::pair();
    const int raw = b->socket().fd();
    const Ends ends =
        make_ends(std::pair(std::move(a), std::move(b)), client_context(), server_context());
    ends.server->write_all("an answer");
    ::shutdown(raw, SHUT_RD);
    CHECK(errno_of([&] { ends.client->write_all("x"); }) == EPIPE);
    CHECK(errno_of([&] { ends.client->write_some("x"); }) == EPIPE);
    CHECK(read_part(*ends.client) == "an answer");
  });
}

TEST_CASE("a stream that is closed still delivers what was written, and its end") {
  testing::run([] {
    Full ends;
    ends.client->close();
    CHECK(ends.client->closed());
    CHECK_FALSE(ends.client->transport().closed());
    CHECK(read_all(*ends.server).size() == ends.written);
    ends.client->wait_closed();
    CHECK(ends.client->transport().closed());
  });
}

TEST_CASE("a peer that does not read what a closed stream has written is left after 30 seconds") {
  testing::run([] {
    Full ends;
    const TimePoint start = now();
    ends.client->close();
    ends.client->wait_closed();
    CHECK(now() - start == 30s);
    CHECK(ends.client->transport().closed());
    CHECK(contains(error_of([&] { read_all(*ends.server); }), "weft::TlsEofError('"));
  });
}

TEST_CASE("abort() closes at once, and says nothing to the peer") {
  testing::run([] {
    Full ends;
    const auto writer = create_task([&] { return errno_of([&] { ends.client->write_all("x"); }); });
    const auto reader = create_task([&] { return errno_of([&] { read_part(*ends.client); }); });
    settle();
    ends.client->abort();
    CHECK(ends.client->transport().closed());
    CHECK(writer.await() == EBADF);
    CHECK(reader.await() == EBADF);
    ends.client->close();
    ends.client->abort();
    CHECK(contains(error_of([&] { read_all(*ends.server); }), "weft::TlsEofError('"));
  });
}

TEST_CASE("destroyed while tasks wait on it, it tells them") {
  testing::run([] {
    Full ends;
    const auto writer =
        create_task([&it = *ends.client] { return errno_of([&] { it.write_all("x"); }); });
    const auto reader =
        create_task([&it = *ends.client] { return errno_of([&] { read_part(it); }); });
    const auto closing = create_task([&it = *ends.client] { it.wait_closed(); });
    settle();
    ends.client.reset();
    CHECK(writer.await() == EBADF);
    CHECK(reader.await() == EBADF);
    CHECK_FALSE(closing.done());
    ends.server.reset();
    closing.await();
  });
}

TEST_CASE("a stream whose transport is closed is closed") {
  testing::run([] {
    const Ends ends = make_ends();
    ends.client->transport().close();
    CHECK(ends.client->closed());
    CHECK(errno_of([&] { read_part(*ends.client); }) == EBADF);
    CHECK(errno_of([&] { ends.client->write_some("x"); }) == EBADF);
  });
}

TEST_CASE("the peer's name is that of the transport") {
  testing::run([] {
    Connection both(Kind::IPv4);
    const std::string name = both.client.peer_address().to_string();
    const Ends ends = make_ends(std::pair(std::make_unique<SocketStream>(std::move(both.client)),
                                          std::make_unique<SocketStream>(std::move(both.server))),
                                client_context(), server_context());
    CHECK(ends.client->peer_name() == name);
    ends.client->transport().close();
    CHECK(contains(error_of([&] { read_part(*ends.server); }), "TLS read from 127.0.0.1:"));
  });
}

TEST_SUITE_END();

// ---- wait_closed()

TEST_SUITE_BEGIN("TlsStream::wait_closed");

TEST_CASE("it does not wait for a stream that had nothing left to say") {
  testing::run([] {
    const Ends ends = make_ends();
    ends.client->close();
    CHECK(turns([&] { ends.client->wait_closed(); }) == 0);
  });
}

TEST_CASE("it waits for close()") {
  testing::run([] {
    const Ends ends = make_ends();
    const auto task = create_task([&] { ends.client->wait_closed(); });
    settle();
    CHECK_FALSE(task.done());
    ends.client->close();
    task.await();
  });
}

TEST_CASE("cancelled before, during or at the end of the wait, it leaves the stream alone") {
  testing::run([] {
    for (const char* when : {"before", "during", "woken"}) {
      INFO(when);
      const Ends ends = make_ends();
      const auto task = create_task([&] {
        if (when == std::string("before")) current_task().cancel();
        ends.client->wait_closed();
      });
      settle();
      CHECK(task.done() == (when == std::string("before")));
      if (when == std::string("woken")) ends.client->close();
      task.cancel();
      settle();
      CHECK(task.cancelled());
      CHECK(ends.client->closed() == (when == std::string("woken")));
    }
  });
}

TEST_CASE("a limit on it is kept") {
  testing::run([] {
    const Ends ends = make_ends();
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(5s, [&] { ends.client->wait_closed(); }), weft::TimeoutError);
    CHECK(now() - start == 5s);
  });
}

TEST_CASE("outside a task it is refused, if it would wait") {
  testing::run([] {
    const Ends ends = make_ends();
    std::string error;
    get_running_loop().call_soon([&] { error = error_of([&] { ends.client->wait_closed(); }); });
    settle();
    CHECK(contains(error, "RuntimeError('"));
  });
}

TEST_CASE("a loop that ends closes what had still to be written, and ends the wait") {
  Log log;
  std::unique_ptr<TlsStream> client, server;
  weft::run([&] {
    auto both = MemoryStream::pair(5000);
    auto [c, s] =
        gather([&] { return wrap_client(std::move(both.first), client_context(), "localhost"); },
               [&] { return wrap_server(std::move(both.second), server_context()); });
    client = std::move(c);
    server = std::move(s);
    fill(*client);
    client->close();
    create_task([&] { log(error_of([&] { client->wait_closed(); })); });
    yield_now();
    CHECK_FALSE(client->transport().closed());
  });
  CHECK(client->transport().closed());
  CHECK(log == Log{"CancelledError()"});
}

TEST_CASE("outside a loop a stream is closed at once") {
  std::unique_ptr<TlsStream> client, server;
  weft::run([&] {
    auto both = MemoryStream::pair(5000);
    auto [c, s] =
        gather([&] { return wrap_client(std::move(both.first), client_context(), "localhost"); },
               [&] { return wrap_server(std::move(both.second), server_context()); });
    client = std::move(c);
    server = std::move(s);
  });
  fill(dynamic_cast<MemoryStream&>(client->transport()));
  client->close();
  CHECK(client->transport().closed());
  CHECK_FALSE(server->closed());
}

TEST_SUITE_END();
