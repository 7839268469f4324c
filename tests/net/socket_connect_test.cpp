// Connecting, listening and accepting, and how they fail.
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <weft/net/socket.h>
#include <weft/task/gather.h>
#include <weft/task/run.h>
#include <weft/task/timeout.h>

#include "../child.h"
#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle;

namespace {

int option(const Socket& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  CHECK(getsockopt(socket.fd(), level, name, &value, &size) == 0);
  return value;
}

/// From now on no descriptor above `fd` can be opened.
bool no_more_than(int fd) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = rlim_t(fd) + 1;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/// An address at which nobody listens any more.
Address deserted() { return Socket::listen(free_address(Kind::IPv4)).local_address(); }

/// A listener whose queue is full, and the connections in it.
struct Crowded {
  explicit Crowded(Kind kind) : listener(Socket::listen(free_address(kind), {.backlog = 0})) {}

  /// What the first connection gets that finds no place within `limit`.
  std::string fill(Duration limit) {
    constexpr int kMore = 20;  // than any system lets in
    std::string error = "nothing";
    for (int i = 0; i < kMore && error == "nothing"; ++i)
      error = error_of([&] {
        clients.push_back(Socket::connect(listener.local_address(), {.timeout = limit}));
      });
    return error;
  }

  Socket listener;
  Unlink unlink{listener.local_address()};
  std::vector<Socket> clients;
};

}  // namespace

TEST_SUITE_BEGIN("Socket: connections");

TEST_CASE_TEMPLATE("connections that queue are accepted in order", S, SELECTORS) {
  run_on<S>([] {
    for (const Kind kind : {Kind::IPv4, Kind::UnixPath}) {
      Socket listener = Socket::listen(free_address(kind));
      const Unlink unlink(listener.local_address());
      std::vector<Socket> clients;
      for (const char* name : {"a", "b", "c", "d"}) {
        clients.push_back(Socket::connect(listener.local_address()));
        clients.back().send_all(name);
      }
      for (const char* name : {"a", "b", "c", "d"}) {
        Socket server = listener.accept();
        CHECK(server.recv(9) == name);
      }
    }
  });
}

TEST_CASE_TEMPLATE("accept() waits for a connection", S, SELECTORS) {
  run_on<S>([] {
    for (const Kind kind : {Kind::IPv4, Kind::UnixPath}) {
      Socket listener = Socket::listen(free_address(kind));
      const Unlink unlink(listener.local_address());
      for (int i = 0; i < 3; ++i) {
        const auto acceptor = create_task([&] { listener.accept().send_all("hello"); });
        settle();
        CHECK_FALSE(acceptor.done());
        Socket client = Socket::connect(listener.local_address());
        CHECK(recv_all(client) == "hello");
        acceptor.await();
      }
    }
  });
}

TEST_CASE_TEMPLATE("an accept() that is cancelled loses no connection", S, SELECTORS) {
  run_on<S>([] {
    Socket listener = Socket::listen(free_address(Kind::Abstract));
    const auto acceptor = create_task([&] { listener.accept(); });
    settle();
    const Socket client = Socket::connect(listener.local_address());
    acceptor.cancel();
    settle();
    CHECK(acceptor.cancelled());
    Socket server = listener.accept();
    server.send_all("x");
  });
}

TEST_CASE("both ends know each other's address") {
  testing::run([] {
    for (const Kind kind : {Kind::IPv4, Kind::IPv6}) {
      if (kind == Kind::IPv6 && !has_ipv6()) continue;
      const Connection both(kind);
      CHECK(both.client.local_address() == both.server.peer_address());
      CHECK(both.client.peer_address() == both.server.local_address());
      CHECK(both.client.local_address().port() != 0);
    }
  });
}

TEST_CASE("a Unix server has the address that it was given, its clients have none") {
  testing::run([] {
    for (const Kind kind : {Kind::UnixPath, Kind::Abstract}) {
      const Address address = free_address(kind);
      const Unlink unlink(address);
      Socket listener = Socket::listen(address);
      CHECK(listener.local_address() == address);
      const Socket client = Socket::connect(address);
      CHECK(client.peer_address() == address);
      CHECK(listener.accept().peer_address().to_string() == "unix:");
    }
  });
}

TEST_CASE("TCP_NODELAY is on, on both ends") {
  testing::run([] {
    const Connection both(Kind::IPv4);
    CHECK(option(both.client, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(both.server, IPPROTO_TCP, TCP_NODELAY) == 1);
  });
}

TEST_CASE("every descriptor is non-blocking and closed on exec") {
  const auto check = [](const Socket& socket) {
    CHECK((fcntl(socket.fd(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC) != 0);
  };
  testing::run([&] {
    check(Socket::listen(free_address(Kind::IPv4)));
    for_each_kind([&](Kind kind) {
      const Connection both(kind);
      check(both.client);
      check(both.server);
    });
    const Socket adopted = Socket::adopt(FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0)));
    check(adopted);
    CHECK(option(adopted, IPPROTO_TCP, TCP_NODELAY) == 1);
  });
}

TEST_CASE("adopt() of a closed descriptor is EBADF") {
  CHECK(errno_of([] { Socket::adopt(FileDescriptor()); }) == EBADF);
}

TEST_CASE_TEMPLATE("adopt() takes over a blocking connection", S, SELECTORS) {
  run_on<S>([] {
    int ends[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    Socket first = Socket::adopt(FileDescriptor(ends[0]));
    Socket second = Socket::adopt(FileDescriptor(ends[1]));
    const auto reader = create_task([&] { return first.recv(9); });
    settle();
    second.send_all("x");
    CHECK(reader.await() == "x");
  });
}

TEST_CASE("several sockets share a port if all want to") {
  const Socket first = Socket::listen(free_address(Kind::IPv4), {.reuse_port = true});
  const Socket second = Socket::listen(first.local_address(), {.reuse_port = true});
  CHECK(second.local_address() == first.local_address());
  CHECK(errno_of([&] { Socket::listen(first.local_address()); }) == EADDRINUSE);
}

TEST_CASE("a port can be taken again at once after its server has closed") {
  testing::run([] {
    Connection both(Kind::IPv4);
    const Address address = both.server.local_address();
    both.server.close();  // it closes first: its side keeps the address for a while
    CHECK(both.client.recv(1).empty());
    both.client.close();
    CHECK(Socket::listen(address).local_address() == address);
  });
}

// ---- failures

TEST_CASE_TEMPLATE("a refused connection names the address", S, SELECTORS) {
  run_on<S>([] {
    const Address address = deserted();
    CHECK(errno_of([&] { Socket::connect(address); }) == ECONNREFUSED);
    CHECK(contains(error_of([&] { Socket::connect(address); }),
                   "connect to " + address.to_string() + ": Connection refused"));
  });
}

TEST_CASE("a Unix socket that nobody has made, or at which nobody listens, is told apart") {
  testing::run([] {
    const Address address = free_address(Kind::UnixPath);
    const Unlink unlink(address);
    CHECK(errno_of([&] { Socket::connect(address); }) == ENOENT);
    Socket::listen(address);
    CHECK(errno_of([&] { Socket::connect(address); }) == ECONNREFUSED);
    CHECK(
        contains(error_of([&] { Socket::connect(address); }), "connect to " + address.to_string()));
  });
}

TEST_CASE("an occupied port names the address") {
  const Socket first = Socket::listen(free_address(Kind::IPv4));
  CHECK(errno_of([&] { Socket::listen(first.local_address()); }) == EADDRINUSE);
  CHECK(contains(error_of([&] { Socket::listen(first.local_address()); }),
                 "bind to " + first.local_address().to_string() + ": Address already in use"));
}

TEST_CASE("a Unix path must not exist, even if nobody listens any more") {
  const Address address = free_address(Kind::UnixPath);
  const Unlink unlink(address);
  Socket::listen(address);
  CHECK(errno_of([&] { Socket::listen(address); }) == EADDRINUSE);
  CHECK(contains(error_of([&] { Socket::listen(address); }), "bind to " + address.to_string()));
}

TEST_CASE("an address that is not this machine's cannot be listened on") {
  CHECK(errno_of([] { Socket::listen(Address::ip("192.0.2.1", 0)); }) == EADDRNOTAVAIL);
}

TEST_CASE("an empty address and a negative backlog are refused by name") {
  testing::run([] {
    CHECK(error_of([] { Socket::connect(Address()); }) == "ValueError('address: it is empty')");
    CHECK(error_of([] { Socket::listen(Address()); }) == "ValueError('address: it is empty')");
    CHECK(error_of([] { Socket::listen(free_address(Kind::IPv4), {.backlog = -1}); }) ==
          "ValueError('backlog: -1 is negative')");
  });
}

TEST_CASE("accept() on what does not listen is EINVAL, with the address") {
  testing::run([] {
    Connection both(Kind::IPv4);
    CHECK(errno_of([&] { both.client.accept(); }) == EINVAL);
    CHECK(contains(error_of([&] { both.client.accept(); }), "accept on 127.0.0.1:"));
  });
}

TEST_CASE("a network that cannot be reached is ENETUNREACH, with the address") {
  constexpr int kForbidden = 77;
  const Ending ending = run_in_child([] {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) _exit(kForbidden);  // even lo is down there
    weft::run([] {
      const std::string error = error_of([] { Socket::connect(Address::ip("127.0.0.1", 9)); });
      CHECK(::write(STDERR_FILENO, error.data(), error.size()) > 0);
    });
  });
  if (ending.status == kForbidden) {
    MESSAGE("skipped: this system lets nobody make a network of their own");
    return;
  }
  CHECK(contains(ending.errors, "connect to 127.0.0.1:9: Network is unreachable"));
}

TEST_CASE("without descriptors accept() is EMFILE; it goes on when there are some again") {
  if (under_valgrind()) return;  // which counts descriptors in its own way
  const Ending ending = run_in_child([]() noexcept {
    weft::run([] {
      Socket listener = Socket::listen(free_address(Kind::Abstract));
      Socket first = Socket::connect(listener.local_address());
      Socket second = Socket::connect(listener.local_address());
      if (!no_more_than(second.fd())) _exit(1);
      const std::string error = error_of([&] { listener.accept(); });
      if (!contains(error, "accept on unix:@")) _exit(2);
      if (!contains(error, "Too many open files")) _exit(3);
      second.close();
      Socket server = listener.accept();
      first.send_all("x");
      if (server.recv(1) != "x") _exit(4);
    });
    _exit(0);
  });
  CHECK(ending.status == 0);
}

TEST_CASE("without descriptors neither connect() nor listen() leaves anything behind") {
  if (under_valgrind()) return;  // which counts descriptors in its own way
  const Ending ending = run_in_child([]() noexcept {
    weft::run([] {
      const Socket listener = Socket::listen(free_address(Kind::IPv4));
      if (!no_more_than(listener.fd())) _exit(1);
      if (errno_of([&] { Socket::connect(listener.local_address()); }) != EMFILE) _exit(2);
      if (errno_of([&] { Socket::listen(free_address(Kind::IPv4)); }) != EMFILE) _exit(3);
      if (errno_of([&] { Socket::pair(); }) != EMFILE) _exit(4);
    });
    _exit(0);
  });
  CHECK(ending.status == 0);
}

// ---- limits in time

// On the virtual clock the limit is exact; what is under way has that clock's grace to arrive.
TEST_CASE_TEMPLATE("connect() to a server with a full queue ends with the timeout, by name", S,
                   SELECTORS) {
  run_on<S>([] {
    for (const Kind kind : {Kind::IPv4, Kind::UnixPath}) {
      Crowded server(kind);
      const TimePoint start = now();
      const std::string error = server.fill(1500ms);
      CHECK(error == "TimeoutError('connect to " + server.listener.local_address().to_string() +
                         ": no answer within 1500 ms')");
      CHECK(now() - start == 1500ms);
      CHECK_FALSE(server.clients.empty());
    }
  });
}

TEST_CASE_TEMPLATE("connect() to a crowded Unix server goes through once there is room", S,
                   SELECTORS) {
  run_on<S>([] {
    Crowded server(Kind::UnixPath);
    CHECK(contains(server.fill(1s), "TimeoutError"));
    const auto late = create_task([&] { return Socket::connect(server.listener.local_address()); });
    sleep(10min);  // without a limit it tries on
    CHECK_FALSE(late.done());
    const Socket accepted = server.listener.accept();
    const Socket connected = late.await();
    CHECK(connected.peer_address() == server.listener.local_address());
  });
}

TEST_CASE_TEMPLATE("a connect() that is cancelled closes its descriptor", S, SELECTORS) {
  run_on<S>([] {
    for (const Kind kind : {Kind::IPv4, Kind::UnixPath}) {
      Crowded server(kind);
      CHECK(contains(server.fill(1s), "TimeoutError"));
      const std::size_t before = open_descriptors();
      const auto client = create_task([&] { Socket::connect(server.listener.local_address()); });
      yield_now();
      yield_now();
      CHECK(open_descriptors() == before + 1);
      client.cancel();
      yield_now();
      yield_now();
      CHECK(client.cancelled());
      CHECK(open_descriptors() == before);
    }
  });
}

TEST_CASE("a cancellation from elsewhere is no timeout of connect()") {
  testing::run([] {
    Crowded server(Kind::IPv4);
    CHECK(contains(server.fill(1s), "TimeoutError"));
    const auto client = create_task(
        [&] { Socket::connect(server.listener.local_address(), {.timeout = Duration(1h)}); });
    yield_now();
    yield_now();
    client.cancel();
    CHECK(error_of([&] { client.await(); }) == "CancelledError()");
  });
}

TEST_CASE("an outer limit is not taken for that of connect()") {
  testing::run([] {
    Crowded server(Kind::IPv4);
    CHECK(contains(server.fill(1s), "TimeoutError"));
    const auto connect = [&] {
      Socket::connect(server.listener.local_address(), {.timeout = Duration(1h)});
    };
    CHECK(error_of([&] { timeout(1s, connect); }) == "TimeoutError()");
  });
}

TEST_CASE("a limit that suffices leaves no timer behind") {
  testing::run([] {
    Socket listener = Socket::listen(free_address(Kind::IPv4));
    const Socket client = Socket::connect(listener.local_address(), {.timeout = Duration(24h)});
    CHECK_FALSE(client.closed());
  });
}

TEST_CASE("an error within the limit is told as without one") {
  testing::run([] {
    CHECK(errno_of([] { Socket::connect(deserted(), {.timeout = Duration(1h)}); }) == ECONNREFUSED);
  });
}

TEST_SUITE_END();
