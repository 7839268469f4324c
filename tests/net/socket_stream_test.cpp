// Bytes that go through sockets, of each kind and over each selector.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include <weft/net/socket.h>
#include <weft/task/gather.h>

#include "sockets.h"

using namespace weft;
using testing::settle, testing::turns;

namespace {

/// Bytes of which none can stand in another's place unnoticed.
std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) byte = char((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

using Random = std::minstd_rand;

std::size_t up_to(Random& random, std::size_t most) {
  return std::uniform_int_distribution<std::size_t>(1, most)(random);
}

void send_in_pieces(Socket& socket, std::string_view data, Random random) {
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, up_to(random, 100'000));
    if (random() % 2) {
      socket.send_all(piece);
      data.remove_prefix(piece.size());
    } else {
      const std::size_t sent = socket.send(piece);
      CHECK((sent >= 1 && sent <= piece.size()));
      data.remove_prefix(sent);
    }
  }
  socket.shutdown_write();
}

std::string receive_in_pieces(Socket& socket, Random random) {
  std::string all;
  for (;;) {
    std::string piece;
    const std::size_t most = up_to(random, 100'000);
    if (random() % 2) {
      piece = socket.recv(most);
    } else {
      piece.resize(most);
      piece.resize(socket.recv_into(std::span<char>(piece)));
    }
    if (piece.empty()) return all;
    CHECK(piece.size() <= most);
    all += piece;
  }
}

}  // namespace

TEST_SUITE_BEGIN("Socket: the stream");

TEST_CASE_TEMPLATE("what one side sends the other side receives, both ways", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      both.client.send_all("ping");
      CHECK(recv_exactly(both.server, 4) == "ping");
      both.server.send_all("pong");
      CHECK(recv_exactly(both.client, 4) == "pong");
    });
  });
}

TEST_CASE_TEMPLATE("every byte arrives in its place, whatever the sizes of the calls", S,
                   SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      for (const std::size_t size : {1u, 2u, 4095u, 4096u, 4097u, 1u << 16, 300'001u, 4u << 20}) {
        INFO("size ", size);
        Connection both(kind);
        const std::string data = pattern(size);
        const auto sender =
            create_task([&] { send_in_pieces(both.client, data, Random(size + 1)); });
        const std::string got = receive_in_pieces(both.server, Random(size + 2));
        CHECK(got.size() == data.size());
        CHECK((got == data));
        sender.await();
      }
    });
  });
}

TEST_CASE_TEMPLATE("both sides send and receive at once", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      const std::string there = pattern(1'000'000);
      const std::string back(there.rbegin(), there.rend());
      const auto first = create_task([&] { send_in_pieces(both.client, there, Random(3)); });
      const auto second = create_task([&] { send_in_pieces(both.server, back, Random(4)); });
      const auto third = create_task([&] { return receive_in_pieces(both.client, Random(5)); });
      CHECK((receive_in_pieces(both.server, Random(6)) == there));
      CHECK((third.await() == back));
      first.await();
      second.await();
    });
  });
}

TEST_CASE_TEMPLATE("recv() gives what is there, and not more than it was asked for", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    both.client.send_all("abcdef");
    CHECK(both.server.recv(4) == "abcd");
    CHECK(both.server.recv(4) == "ef");
  });
}

TEST_CASE_TEMPLATE("recv() of what is there does not suspend, and of what is not does", S,
                   SELECTORS) {
  run_on<S>([] {
    Connection both;
    both.client.send_all("a");
    CHECK(turns([&] { both.server.recv(9); }) == 0);
    const auto sender = create_task([&] { both.client.send_all("b"); });
    CHECK(turns([&] { CHECK(both.server.recv(9) == "b"); }) > 0);
  });
}

TEST_CASE_TEMPLATE("send() takes a part of what does not fit, without suspending", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    const std::string much(64 << 20, 'x');
    std::size_t sent = 0;
    CHECK(turns([&] { sent = both.client.send(much); }) == 0);
    CHECK(sent >= 1);
    CHECK(sent < much.size());
  });
}

TEST_CASE_TEMPLATE("send() to a peer that does not read waits until it does", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      fill(both.client);
      const auto sender = create_task([&] { return both.client.send("more"); });
      settle();
      if (kind == Kind::Pair) CHECK_FALSE(sender.done());  // TCP may still make room by itself
      const auto reader = create_task([&] { recv_all(both.server); });
      CHECK(sender.await() >= 1);
      both.client.close();
      reader.await();
    });
  });
}

TEST_CASE("sending nothing does nothing") {
  testing::run([] {
    Connection both;
    CHECK(both.client.send("") == 0);
    both.client.send_all("");
    both.client.close();
    CHECK(both.server.recv(1).empty());
  });
}

TEST_CASE("receiving into nothing is refused: it would look like the end") {
  testing::run([] {
    Connection both;
    CHECK(error_of([&] { both.server.recv_into(std::span<char>()); }) ==
          "ValueError('buffer: it is empty')");
    CHECK(error_of([&] { both.server.recv(0); }) == "ValueError('at_most: it is 0')");
  });
}

TEST_CASE_TEMPLATE("the end of the stream is told each time it is asked for", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      both.client.send_all("last");
      both.client.close();
      CHECK(recv_all(both.server) == "last");
      CHECK(both.server.recv(1).empty());
    });
  });
}

TEST_CASE_TEMPLATE("a waiting reader is told of the end", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      const auto reader = create_task([&] { return both.server.recv(1); });
      settle();
      CHECK_FALSE(reader.done());
      both.client.close();
      CHECK(reader.await().empty());
    });
  });
}

TEST_CASE_TEMPLATE("after shutdown_write() the peer can still send", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      both.client.send_all("question");
      both.client.shutdown_write();
      CHECK(recv_all(both.server) == "question");
      both.server.send_all("answer");
      both.server.close();
      CHECK(recv_all(both.client) == "answer");
      CHECK(errno_of([&] { both.client.send("more"); }) == EPIPE);
    });
  });
}

TEST_CASE_TEMPLATE("a reset is seen as ECONNRESET, and the text says where", S, SELECTORS) {
  run_on<S>([] {
    Connection both(Kind::IPv4);
    const std::string mine = both.client.local_address().to_string();
    const auto reader = create_task([&] { both.client.recv(1); });
    settle();
    both.server.set_reset_on_close(true);
    both.server.close();
    const std::string error = error_of([&] { reader.await(); });
    CHECK(contains(error, "Connection reset by peer"));
    CHECK(contains(error, "recv on " + mine));  // the peer cannot be told any more
  });
}

TEST_CASE_TEMPLATE("a waiting writer is told of a reset", S, SELECTORS) {
  run_on<S>([] {
    Connection both(Kind::IPv4);
    fill(both.client);
    const auto writer = create_task([&] {
      for (;;) both.client.send_all("more");
    });
    settle();
    both.server.set_reset_on_close(true);
    both.server.close();
    CHECK(errno_of([&] { writer.await(); }) == ECONNRESET);
  });
}

TEST_CASE("without set_reset_on_close() a connection ends in order, also after it was taken back") {
  testing::run([] {
    Connection both(Kind::IPv4);
    both.server.set_reset_on_close(true);
    both.server.set_reset_on_close(false);
    both.server.close();
    CHECK(both.client.recv(1).empty());
  });
}

TEST_CASE_TEMPLATE("sending to a peer that is gone is EPIPE, and no signal", S, SELECTORS) {
  const auto before = std::signal(SIGPIPE, SIG_DFL);  // it would kill
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      both.server.close();
      CHECK(both.client.recv(1).empty());
      int error = 0;
      for (int i = 0; i < 3 && error == 0; ++i) {  // TCP learns of it by the answer to the first
        error = errno_of([&] { both.client.send_all("x"); });
        settle();
      }
      CHECK((error == EPIPE || error == ECONNRESET));
      CHECK(errno_of([&] { both.client.send_all("x"); }) == EPIPE);
    });
  });
  std::signal(SIGPIPE, before);
}

TEST_CASE("an error of send() names the call and the peer") {
  testing::run([] {
    Connection both(Kind::IPv4);
    const std::string peer = both.client.peer_address().to_string();
    both.client.shutdown_write();
    const std::string error = error_of([&] { both.client.send("x"); });
    CHECK(contains(error, "send to " + peer + ": Broken pipe"));
  });
}

TEST_SUITE_END();
