#include <weft/net/datagram.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <weft/io/to_thread.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle, testing::turns;

namespace {

/// Calls `body` with each kind of datagram socket that this machine has.
void for_each_kind_of_datagram(const std::function<void(Kind)>& body) {
  for (const Kind kind : {Kind::IPv4, Kind::IPv6, Kind::UnixPath, Kind::Abstract}) {
    if (kind == Kind::IPv6 && !has_ipv6()) continue;
    INFO("kind ", int(kind));
    body(kind);
  }
}

DatagramSocket at_free_address(Kind kind) { return open_datagram(free_address(kind)); }

/// An address at which nobody receives any more.
Address deserted() { return at_free_address(Kind::IPv4).local_address(); }

/// A socket, and one that is connected to it.
struct Pair {
  explicit Pair(Kind kind)
      : server(at_free_address(kind)),
        client(open_datagram(kind == Kind::IPv4 || kind == Kind::IPv6
                                 ? std::optional<Address>()
                                 : std::optional(free_address(kind)),
                             server.local_address())) {}
  DatagramSocket server, client;
  Unlink unlink{server.local_address()};
  Unlink unlink_client{client.local_address()};
};

}  // namespace

TEST_SUITE_BEGIN("DatagramSocket");

TEST_CASE_TEMPLATE("messages go there and back, each whole, with their sender", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind_of_datagram([](Kind kind) {
      Pair pair(kind);
      const auto server = create_task([&] {
        for (int i = 0; i < 3; ++i) {
          const Datagram datagram = pair.server.recv_from();
          CHECK_FALSE(datagram.truncated);
          pair.server.send_to("re: " + datagram.data, datagram.sender);
        }
      });
      settle();
      for (const char* text : {"one", "", "three"}) {
        pair.client.send(text);
        CHECK(pair.client.recv() == "re: " + std::string(text));
      }
      server.await();
    });
  });
}

TEST_CASE("the sender is known by its address, or has none") {
  testing::run([] {
    Pair pair(Kind::IPv4);
    pair.client.send("x");
    CHECK(pair.server.recv_from().sender == pair.client.local_address());
    CHECK(pair.client.peer_address() == pair.server.local_address());
    DatagramSocket receiver = at_free_address(Kind::Abstract);
    DatagramSocket unnamed = open_datagram({}, receiver.local_address());
    unnamed.send("x");
    CHECK(receiver.recv_from().sender == Address());
  });
}

TEST_CASE("send_to() needs no connection, and makes none") {
  testing::run([] {
    DatagramSocket a = at_free_address(Kind::IPv4), b = at_free_address(Kind::IPv4);
    DatagramSocket sender = at_free_address(Kind::IPv4);
    sender.send_to("to a", a.local_address());
    sender.send_to("to b", b.local_address());
    CHECK(a.recv_from().data == "to a");
    CHECK(b.recv_from().data == "to b");
    CHECK(errno_of([&] { sender.peer_address(); }) == ENOTCONN);
    const int error = errno_of([&] { sender.send("x"); });
    CHECK((error == EDESTADDRREQ || error == ENOTCONN));
  });
}

TEST_CASE("a connected socket receives only from where it is connected to") {
  testing::run([] {
    Pair pair(Kind::IPv4);
    DatagramSocket other = at_free_address(Kind::IPv4);
    pair.client.send("hello");
    const Address client = pair.server.recv_from().sender;
    other.send_to("from elsewhere", client);
    pair.server.send_to("from the server", client);
    CHECK(pair.client.recv() == "from the server");
  });
}

TEST_CASE("a message that is longer than the buffer says so, and its rest is lost") {
  testing::run([] {
    for_each_kind_of_datagram([](Kind kind) {
      Pair pair(kind);
      pair.client.send("0123456789");
      pair.client.send("0123456789");
      pair.client.send("next");
      const Datagram datagram = pair.server.recv_from(4);
      CHECK(datagram.data == "0123");
      CHECK(datagram.truncated);
      const std::string error = error_of([&] { pair.server.recv(4); });
      CHECK(contains(error, "recv from "));
      CHECK(contains(error, ": the message is longer than 4 bytes: Message too long"));
      const Datagram next = pair.server.recv_from(4);
      CHECK(next.data == "next");
      CHECK_FALSE(next.truncated);
    });
  });
}

TEST_CASE("into a buffer") {
  testing::run([] {
    Pair pair(Kind::IPv4);
    pair.client.send("abc");
    char buffer[8];
    const DatagramSocket::Received received = pair.server.recv_from_into(std::span<char>(buffer));
    CHECK(std::string(buffer, received.size) == "abc");
    CHECK(received.sender == pair.client.local_address());
    CHECK_FALSE(received.truncated);
  });
}

TEST_CASE("descriptors are non-blocking, closed on exec, and closed with their sockets") {
  const std::size_t before = open_descriptors();
  {
    const Pair pair(Kind::IPv4);
    CHECK((fcntl(pair.client.fd(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(pair.client.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(errno_of([&] { open_datagram(pair.server.local_address()); }) == EADDRINUSE);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("several sockets share a port if all want to") {
  const DatagramSocket first = open_datagram(free_address(Kind::IPv4), {}, {.reuse_port = true});
  const DatagramSocket second = open_datagram(first.local_address(), {}, {.reuse_port = true});
  CHECK(second.local_address() == first.local_address());
}

TEST_CASE("broadcasts have to be allowed") {
  testing::run([] {
    const auto option = [](const DatagramSocket& socket) {
      int value = -1;
      socklen_t size = sizeof value;
      CHECK(getsockopt(socket.fd(), SOL_SOCKET, SO_BROADCAST, &value, &size) == 0);
      return value != 0;
    };
    CHECK_FALSE(option(at_free_address(Kind::IPv4)));
    CHECK(option(open_datagram(free_address(Kind::IPv4), {}, {.allow_broadcast = true})));
  });
}

// ---- failures

TEST_CASE_TEMPLATE("that nobody receives is told to who waits: ECONNREFUSED", S, SELECTORS) {
  run_on<S>([] {
    DatagramSocket socket = open_datagram({}, deserted());
    const auto reader = create_task([&] { return error_of([&] { socket.recv(); }); });
    settle();
    socket.send("anybody there?");
    CHECK(reader.await() == "std::system_error('recv from " + socket.peer_address().to_string() +
                                ": Connection refused')");
  });
}

TEST_CASE("a message that is too long, or has no receiver, names the address") {
  testing::run([] {
    Pair pair(Kind::IPv4);
    const std::string long_one(70'000, 'x');
    const std::string server = pair.server.local_address().to_string();
    CHECK(error_of([&] { pair.client.send(long_one); }) ==
          "std::system_error('send to " + server + ": Message too long')");
    DatagramSocket sender = at_free_address(Kind::IPv4);
    CHECK(error_of([&] { sender.send_to(long_one, pair.server.local_address()); }) ==
          "std::system_error('send to " + server + ": Message too long')");
    const Address nowhere = free_address(Kind::UnixPath);
    DatagramSocket unix_sender = at_free_address(Kind::Abstract);
    CHECK(errno_of([&] { unix_sender.send_to("x", nowhere); }) == ENOENT);
    CHECK(contains(error_of([&] { open_datagram({}, nowhere); }),
                   "connect to " + nowhere.to_string()));
  });
}

TEST_CASE("misuse is refused by name") {
  CHECK(error_of([] { open_datagram({}); }) ==
        "ValueError('local: neither it nor remote is given')");
  CHECK(error_of([] { open_datagram(Address::ip("127.0.0.1", 0), Address::ip("::1", 1)); }) ==
        "ValueError('remote: [::1]:1 is of another family than 127.0.0.1:0')");
  testing::run([] {
    DatagramSocket socket = at_free_address(Kind::IPv4);
    CHECK(error_of([&] { socket.send_to("x", Address()); }) ==
          "ValueError('address: it is empty')");
    const auto first = create_task([&] { return socket.recv_from().data; });
    settle();
    CHECK(error_of([&] { socket.recv_from(); }) ==
          "RuntimeError('recv_from: another task waits to read from this descriptor')");
    socket.send_to("x", socket.local_address());
    CHECK(first.await() == "x");
  });
  DatagramSocket socket = at_free_address(Kind::IPv4);
  CHECK(contains(error_of([&] { socket.recv_from(); }), "RuntimeError('"));
}

TEST_CASE("close() wakes who waits, and each call after it is EBADF") {
  testing::run([] {
    DatagramSocket socket = at_free_address(Kind::IPv4);
    const auto reader = create_task([&] { return errno_of([&] { socket.recv(); }); });
    settle();
    socket.close();
    socket.close();
    CHECK(reader.await() == EBADF);
    CHECK(socket.closed());
    CHECK(socket.fd() == -1);
    for (const std::function<void()>& call : std::initializer_list<std::function<void()>>{
             [&] { socket.recv(); }, [&] { socket.send("x"); }, [&] { socket.local_address(); },
             [&] { socket.send_to("x", Address::ip("127.0.0.1", 1)); }})
      CHECK(errno_of(call) == EBADF);
    DatagramSocket moved = at_free_address(Kind::IPv4);
    const DatagramSocket taken = std::move(moved);
    CHECK(errno_of([&] { moved.recv(); }) == EBADF);
  });
}

// ---- waiting

TEST_CASE_TEMPLATE("a recv_from() that is cancelled loses no message", S, SELECTORS) {
  run_on<S>([] {
    Pair pair(Kind::IPv4);
    const auto reader = create_task([&] { pair.server.recv_from(); });
    settle();
    reader.cancel();
    pair.client.send("x");
    CHECK_THROWS_AS(reader.await(), CancelledError);
    CHECK(pair.server.recv_from().data == "x");
    CHECK_THROWS_AS(timeout(1s, [&] { pair.server.recv_from(); }), TimeoutError);
    pair.client.send("y");
    CHECK(pair.server.recv_from().data == "y");
  });
}

TEST_CASE_TEMPLATE("send() waits while the receiver has no room, and can be cancelled", S,
                   SELECTORS) {
  run_on<S>([] {
    Pair pair(Kind::Abstract);
    int sent = 0;
    const auto sender = create_task([&] {
      for (;; ++sent) pair.client.send(std::to_string(sent));
    });
    sleep(1s);
    const int before = sent;
    CHECK(before > 0);
    sleep(1h);
    CHECK(sent == before);
    for (int i = 0; i < before; ++i) CHECK(pair.server.recv() == std::to_string(i));
    sleep(1s);
    CHECK(sent > before);
    sender.cancel();
    CHECK_THROWS_AS(sender.await(), CancelledError);
    const int all = sent;
    for (int i = before; i < all; ++i) CHECK(pair.server.recv() == std::to_string(i));
    CHECK_THROWS_AS(timeout(1s, [&] { pair.server.recv(); }), TimeoutError);
  });
}

TEST_CASE("many messages that are there do not keep others from running") {
  testing::run([] {
    Pair pair(Kind::IPv4);
    CHECK(turns([&] {
            for (int i = 0; i < 100; ++i) {
              pair.client.send("x");
              pair.server.recv();
            }
          }) > 0);
  });
}

TEST_CASE("socat is answered") {
  if (std::system("command -v socat > /dev/null") != 0) {
    MESSAGE("skipped: socat is not installed");
    return;
  }
  testing::run({.real_time = true, .selector = nullptr}, [] {
    DatagramSocket socket = at_free_address(Kind::IPv4);
    const auto answering = create_task([&] {
      const Datagram datagram = socket.recv_from();
      socket.send_to("re: " + datagram.data, datagram.sender);
    });
    const std::string answer = to_thread([port = socket.local_address().port()] {
      const std::string command =
          "printf hello | socat -t 2 - UDP4:127.0.0.1:" + std::to_string(port);
      const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
      char buffer[64] = "";
      return std::string(buffer, std::fread(buffer, 1, sizeof buffer, pipe.get()));
    });
    CHECK(answer == "re: hello");
    answering.await();
  });
}

TEST_SUITE_END();
