// White-box: what comes at a bad time: new keys, tickets, and cancellations.
#include "tls/connection.h"

#include <random>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "../net/sockets.h"
#include "ends.h"

using namespace weft;
using detail::TlsConnection, detail::TlsEngine;
using testing::settle;

namespace {

using Random = std::minstd_rand;

std::size_t up_to(Random& random, std::size_t most) {
  return std::uniform_int_distribution<std::size_t>(1, most)(random);
}

/// Two ends that have made their handshake, without the streams around them.
struct Pair {
  std::shared_ptr<TlsConnection> client, server;

  template <class Streams>
  explicit Pair(Streams below)
      : client(std::make_shared<TlsConnection>(
            std::move(below.first),
            std::make_unique<TlsEngine>(client_context().state(), "localhost", ""))),
        server(std::make_shared<TlsConnection>(
            std::move(below.second),
            std::make_unique<TlsEngine>(server_context().state(), "", ""))) {
    gather([&] { client->shake_hands(); }, [&] { server->shake_hands(); });
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    client->close();
    server->close();
    settle();
  }
};

std::string read_part(TlsConnection& from, std::size_t most = 65536) {
  std::string data(most, '\0');
  data.resize(from.read(data));
  return data;
}

std::size_t write_part(TlsConnection& to, std::string_view data) { return to.write({&data, 1}); }

std::size_t fill(TlsConnection& to) {
  const std::string data(10'000, 'x');
  const std::string_view piece = data;
  std::size_t all = 0;
  while (const std::size_t count = to.try_write({&piece, 1})) all += count;
  return all;
}

void read_exactly(TlsConnection& from, std::size_t size) {
  while (size > 0) size -= read_part(from, size).size();
}

/// Asks the peer for new keys, and takes new ones, with the next write.
void renew_keys(TlsConnection& of) {
  CHECK(SSL_key_update(of.engine().ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
}

/// Bytes of which none can stand in another's place unnoticed.
std::string pattern(std::size_t size, std::uint32_t state) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = char((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

/// Sends `data` by writes that are cancelled again and again; what a write has not said to be
/// written is sent once more.
void send_cancelled(TlsConnection& to, std::string_view data, Random random, int& cancelled) {
  while (!data.empty()) {
    if (random() % 16 == 0) renew_keys(to);
    const auto task = create_task(
        [&to, piece = data.substr(0, up_to(random, 20'000))] { return write_part(to, piece); });
    for (std::size_t turns = random() % 4; turns > 0; --turns) yield_now();
    if (random() % 2) task.cancel();
    while (!task.done()) yield_now();
    if (task.cancelled())
      ++cancelled;
    else
      data.remove_prefix(task.result());
  }
  to.end_writing();
}

std::string receive_cancelled(TlsConnection& from, Random random, int& cancelled) {
  for (std::string all;;) {
    std::string part(up_to(random, 20'000), '\0');
    const auto task = create_task([&] { return from.read(part); });
    for (std::size_t turns = random() % 6; turns > 0; --turns) yield_now();
    if (random() % 2) task.cancel();
    while (!task.done()) yield_now();
    if (task.cancelled()) {
      ++cancelled;
      continue;
    }
    if (task.result() == 0) return all;
    all.append(part, 0, task.result());
  }
}

struct Memory {
  static auto make() { return MemoryStream::pair(777); }
};
struct UnixSockets {
  static auto make() { return SocketStream::pair(); }
};

}  // namespace

TEST_SUITE_BEGIN("TLS connections");

TEST_CASE_TEMPLATE("no byte is lost or doubled by cancelled calls, new keys or both", K, Memory,
                   UnixSockets) {
  testing::run([] {
    Pair both(K::make());
    const std::string there = pattern(500'000, 1), back = pattern(400'000, 2);
    int writes = 0, reads = 0;
    const auto [at_server, at_client, a, b] =
        gather([&] { return receive_cancelled(*both.server, Random(1), reads); },
               [&] { return receive_cancelled(*both.client, Random(2), reads); },
               [&] { send_cancelled(*both.client, there, Random(3), writes); },
               [&] { send_cancelled(*both.server, back, Random(4), writes); });
    CHECK((at_server == there));
    CHECK((at_client == back));
    CHECK(writes > 3);
    CHECK(reads > 3);
  });
}

TEST_CASE("new keys that the peer asks for are taken while a write is held up") {
  testing::run([] {
    Pair both(MemoryStream::pair(5000));
    const std::size_t held_up = fill(*both.client);
    const auto writer = create_task([&] { return write_part(*both.client, "behind"); });
    const auto reader = create_task([&] { return read_part(*both.client); });
    settle();
    for (const char* text : {"one", "two"}) {
      renew_keys(*both.server);
      write_part(*both.server, text);
    }
    CHECK(reader.await() == "one");
    CHECK(read_part(*both.client) == "two");
    CHECK_FALSE(writer.done());
    read_exactly(*both.server, held_up);
    CHECK(read_part(*both.server) == "behind");
    CHECK(writer.await() == 6);
  });
}

TEST_CASE("tickets that come while a task reads do not end its wait") {
  testing::run([] {
    Pair both(MemoryStream::pair());
    const auto reader = create_task([&] { return read_part(*both.client); });
    settle();
    SSL* server = both.server->engine().ssl();
    CHECK(SSL_new_session_ticket(server) == 1);
    CHECK(SSL_do_handshake(server) == 1);
    renew_keys(*both.server);
    settle();
    both.server->end_writing();  // sends what has been gathered
    settle();
    CHECK(reader.done());
    CHECK(reader.await().empty());
    CHECK(both.client->engine().session());
  });
}

TEST_CASE("a peer that asks for new keys without end is not answered without end") {
  testing::run([] {
    Pair both(MemoryStream::pair(5000));
    fill(*both.client);
    const auto reader = create_task([&] { return read_part(*both.client); });
    for (int i = 0; i < 2000; ++i) {
      renew_keys(*both.server);
      CHECK(SSL_do_handshake(both.server->engine().ssl()) == 1);
    }
    write_part(*both.server, "enough");
    CHECK(reader.await() == "enough");
    CHECK(both.client->engine().output.size() < 100'000);
    read_exactly(*both.server, 1);
  });
}

TEST_SUITE_END();
