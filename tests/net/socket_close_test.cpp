// Sockets that are closed, destroyed, moved, or used by two tasks.
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <weft/loop/event_loop.h>
#include <weft/net/socket.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>

#include "../child.h"
#include "sockets.h"

using namespace weft;
using testing::settle;

namespace {

/// Takes what has arrived, past the Socket.
void drain(const Socket& socket) {
  std::string bytes(1 << 16, '\0');
  while (::read(socket.fd(), bytes.data(), bytes.size()) > 0) {
  }
}

}  // namespace

TEST_SUITE_BEGIN("Socket: its life");

TEST_CASE_TEMPLATE("close() wakes the waiting reader: EBADF", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    const auto reader = create_task([&] { both.server.recv(1); });
    settle();
    both.server.close();
    CHECK(errno_of([&] { reader.await(); }) == EBADF);
  });
}

TEST_CASE_TEMPLATE("close() wakes the waiting writer: EBADF", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    fill(both.client);
    const auto writer = create_task([&] { both.client.send_all("more"); });
    settle();
    both.client.close();
    CHECK(errno_of([&] { writer.await(); }) == EBADF);
  });
}

TEST_CASE_TEMPLATE("close() wakes the waiting acceptor: EBADF", S, SELECTORS) {
  run_on<S>([] {
    Socket listener = Socket::listen(free_address(Kind::IPv4));
    const auto acceptor = create_task([&] { listener.accept(); });
    settle();
    listener.close();
    CHECK(errno_of([&] { acceptor.await(); }) == EBADF);
  });
}

TEST_CASE("close() with a reader and a writer wakes both, with texts that name the calls") {
  testing::run([] {
    Connection both;
    fill(both.client);
    const auto writer = create_task([&] { both.client.send_all("more"); });
    const auto reader = create_task([&] { both.client.recv(1); });
    settle();
    both.client.close();
    CHECK(contains(error_of([&] { writer.await(); }), "send: the descriptor was closed meanwhile"));
    CHECK(contains(error_of([&] { reader.await(); }), "recv: the descriptor was closed meanwhile"));
  });
}

TEST_CASE("a reader that was woken in the turn of close() gets EBADF, not another's bytes") {
  testing::run([] {
    Connection both;
    const auto reader = create_task([&] { both.server.recv(1); });
    settle();
    both.client.send_all("x");
    both.server.close();
    auto [first, second] = Socket::pair();  // takes the number
    second.send_all("y");
    CHECK(errno_of([&] { reader.await(); }) == EBADF);
    CHECK(first.recv(1) == "y");
  });
}

TEST_CASE("close() is noticed by the peer, and has no effect the second time") {
  testing::run([] {
    Connection both;
    both.server.close();
    both.server.close();
    CHECK(both.server.closed());
    CHECK(both.server.fd() == -1);
    CHECK(both.client.recv(1).empty());
  });
}

TEST_CASE("every call on a closed socket is EBADF") {
  testing::run([] {
    const auto check = [](Socket& socket) {
      CHECK(errno_of([&] { socket.recv(1); }) == EBADF);
      CHECK(errno_of([&] { socket.send("x"); }) == EBADF);
      CHECK(errno_of([&] { socket.accept(); }) == EBADF);
      CHECK(errno_of([&] { socket.shutdown_write(); }) == EBADF);
      CHECK(errno_of([&] { socket.set_reset_on_close(true); }) == EBADF);
      CHECK(errno_of([&] { (void)socket.local_address(); }) == EBADF);
      CHECK(errno_of([&] { (void)socket.peer_address(); }) == EBADF);
    };
    Connection both;
    both.client.close();
    check(both.client);
    const Socket elsewhere = std::move(both.server);
    check(both.server);  // moved from: the same
    CHECK_FALSE(elsewhere.closed());
  });
}

TEST_CASE_TEMPLATE("a socket that was used can be moved while no task waits", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    both.client.send_all("a");
    CHECK(both.server.recv(9) == "a");
    const auto reader = create_task([&] { return both.server.recv(9); });
    settle();
    both.client.send_all("b");
    CHECK(reader.await() == "b");
    Socket moved = std::move(both.server);
    both.client.send_all("c");
    CHECK(moved.recv(9) == "c");
    const auto again = create_task([&] { return moved.recv(9); });
    settle();
    both.client.send_all("d");
    CHECK(again.await() == "d");
  });
}

TEST_CASE("a socket that is moved while a task reads: that task goes on") {
  testing::run([] {
    Connection both;
    const auto reader = create_task([&] { return both.server.recv(9); });
    settle();
    const Socket moved = std::move(both.server);
    both.client.send_all("x");
    CHECK(reader.await() == "x");
  });
}

TEST_CASE("a socket that is assigned to closes the connection it had") {
  testing::run([] {
    Connection first, second;
    first.client = std::move(second.client);
    CHECK(first.server.recv(1).empty());
    first.client.send_all("x");
    CHECK(second.server.recv(1) == "x");
  });
}

TEST_CASE("destroying a socket on which a task waits aborts, with a message") {
  const Ending ending = run_in_child([] {
    std::signal(SIGABRT, SIG_DFL);  // the test framework has a handler
    weft::run([] {
      std::optional<Connection> both(std::in_place);
      const auto reader = create_task([&] { both->server.recv(1); });
      yield_now();
      yield_now();
      both.reset();
    });
  });
  CHECK(ending.signal == SIGABRT);
  CHECK(contains(ending.errors, "a socket or descriptor is destroyed while a task waits on it"));
}

TEST_CASE_TEMPLATE("two readers are refused, and the first goes on", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    const auto reader = create_task([&] { return both.server.recv(1); });
    settle();
    CHECK(error_of([&] { both.server.recv(1); }) ==
          "RuntimeError('recv: another task waits to read from this descriptor')");
    both.client.send_all("ab");
    CHECK(error_of([&] { both.server.recv(1); }) ==  // although there is something by now
          "RuntimeError('recv: another task waits to read from this descriptor')");
    CHECK(reader.await() == "a");
    CHECK(both.server.recv(1) == "b");
  });
}

TEST_CASE_TEMPLATE("two writers are refused: no bytes come between those of the first", S,
                   SELECTORS) {
  run_on<S>([] {
    Connection both;
    fill(both.client);
    const auto writer = create_task([&] { both.client.send_all("mine"); });
    settle();
    drain(both.server);
    CHECK(error_of([&] { both.client.send("other"); }) ==  // although there is room by now
          "RuntimeError('send: another task waits to write to this descriptor')");
    writer.await();
    CHECK(both.server.recv(9) == "mine");
  });
}

TEST_CASE("two acceptors are refused, and the first goes on") {
  testing::run([] {
    Socket listener = Socket::listen(free_address(Kind::IPv4));
    const auto acceptor = create_task([&] { listener.accept(); });
    settle();
    CHECK(error_of([&] { listener.accept(); }) ==
          "RuntimeError('accept: another task waits to read from this descriptor')");
    const Socket client = Socket::connect(listener.local_address());
    acceptor.await();
  });
}

TEST_CASE("a reader that has been cancelled is no reader any more") {
  testing::run([] {
    Connection both;
    const auto reader = create_task([&] { both.server.recv(1); });
    settle();
    reader.cancel();
    both.client.send_all("x");
    CHECK(both.server.recv(1) == "x");  // in the same turn
    settle();
    CHECK(reader.cancelled());
  });
}

TEST_CASE("a socket may be destroyed as soon as its reader was cancelled") {
  testing::run([] {
    std::optional<Connection> both(std::in_place);
    const auto reader = create_task([&socket = both->server] { socket.recv(1); });
    settle();
    reader.cancel();
    both.reset();
    settle();
    CHECK(reader.cancelled());
  });
}

TEST_CASE("outside a loop, what need not wait is done, and what must is refused") {
  Connection both;
  both.client.send_all("x");
  CHECK(both.server.recv(9) == "x");
  CHECK(error_of([&] { both.server.recv(9); }) == "RuntimeError('recv: no running event loop')");
  Socket listener = Socket::listen(free_address(Kind::IPv4));
  CHECK(contains(error_of([&] { listener.accept(); }), "RuntimeError('"));
  CHECK(contains(error_of([&] { Socket::connect(listener.local_address()); }), "RuntimeError('"));
  CHECK(contains(
      error_of([&] { Socket::connect(listener.local_address(), {.timeout = Duration(1)}); }),
      "RuntimeError('"));
  fill(both.client);
  CHECK(contains(error_of([&] { both.client.send("x"); }), "RuntimeError('"));
}

TEST_CASE("in a callback of the loop nothing can be waited for") {
  testing::run([] {
    Connection both;
    std::string error;
    get_running_loop().call_soon([&] { error = error_of([&] { both.server.recv(1); }); });
    settle();
    CHECK(contains(error, "RuntimeError('"));
    both.client.send_all("x");
    CHECK(both.server.recv(1) == "x");  // a task can, afterwards
  });
}

TEST_CASE_TEMPLATE("a socket outlives its loop, and is used in the next one", S, SELECTORS) {
  const std::size_t before = open_descriptors();
  {
    Connection both;
    for (const char* text : {"first", "second"}) {
      weft::run({.selector = S::make(), .clock = nullptr}, [&] {
        const auto reader = create_task([&] { return both.server.recv(9); });
        yield_now();
        both.client.send_all(text);
        CHECK(reader.await() == text);
      });
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a socket is refused by a second loop as long as the first is open") {
  Connection both;
  EventLoop first;
  const auto use = [&] {
    const auto reader = create_task([&] { return both.server.recv(9); });
    yield_now();
    yield_now();
    both.client.send_all("x");
    CHECK(reader.await() == "x");
  };
  std::optional<Task<>> task;
  first.call_soon([&] { task = create_task(use); });
  first.call_soon([&] { first.stop(); });
  first.run_forever();
  run_until_complete(first, *task);
  CHECK(error_of([&] { weft::run([&] { both.server.recv(9); }); }) ==
        "RuntimeError('recv: the descriptor is watched by another event loop')");
  first.close();
  weft::run(use);
}

TEST_SUITE_END();
