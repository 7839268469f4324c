// What edge-triggered descriptors could lose: data, ends and wake-ups that come at a bad moment.
#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <weft/net/socket.h>
#include <weft/task/gather.h>
#include <weft/task/timeout.h>

#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle;

namespace {

/// The other side does both within one turn, so that one event tells of both.
void send_and_close(Socket& socket, std::string_view data) {
  socket.send_all(data);
  socket.close();
}

/// A reader that is registered, and has read a little.
void warm_up(Connection& both) {
  const auto reader = create_task([&] { return both.server.recv(99); });
  settle();
  both.client.send_all("warm");
  CHECK(reader.await() == "warm");
}

}  // namespace

TEST_SUITE_BEGIN("Socket: edges");

TEST_CASE_TEMPLATE("an end that comes with the last data is not missed", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      warm_up(both);
      const auto reader = create_task([&] { return recv_all(both.server); });
      settle();
      send_and_close(both.client, "last");  // one edge, and a short read
      CHECK(reader.await() == "last");
    });
  });
}

TEST_CASE_TEMPLATE("an end that is known before the read is not missed", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      warm_up(both);
      send_and_close(both.client, "last");
      settle();  // the hang-up has been told, nobody has read yet
      CHECK(recv_all(both.server) == "last");
    });
  });
}

TEST_CASE_TEMPLATE("an end between two reads is not missed", S, SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      warm_up(both);
      both.client.send_all("last");
      CHECK(recv_exactly(both.server, 4) == "last");
      both.client.close();  // no turn has passed since the short read
      CHECK(both.server.recv(9).empty());
    });
  });
}

TEST_CASE_TEMPLATE("an end is not missed by a reader that was never registered", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    send_and_close(both.client, "last");
    CHECK(both.server.recv(99) == "last");
    CHECK(both.server.recv(99).empty());
  });
}

TEST_CASE_TEMPLATE("data that comes between a short read and the wait is not missed", S,
                   SELECTORS) {
  run_on<S>([] {
    for_each_kind([](Kind kind) {
      Connection both(kind);
      warm_up(both);
      for (int i = 0; i < 5; ++i) {
        both.client.send_all("a");
        CHECK(both.server.recv(99) == "a");
        both.client.send_all("b");  // no turn has passed
        CHECK(both.server.recv(99) == "b");
      }
    });
  });
}

TEST_CASE_TEMPLATE("data that was told while nobody waited is not missed", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    warm_up(both);
    both.client.send_all("a");
    settle();
    both.client.send_all("b");
    settle();
    CHECK(both.server.recv(1) == "a");
    CHECK(both.server.recv(99) == "b");
    both.client.send_all("c");
    settle();
    CHECK(both.server.recv(99) == "c");
  });
}

TEST_CASE_TEMPLATE("data behind an urgent byte is not missed", S, SELECTORS) {
  run_on<S>([] {
    Connection both(Kind::IPv4);
    warm_up(both);
    both.client.send_all("ab");
    CHECK(::send(both.client.fd(), "!", 1, MSG_OOB) == 1);
    both.client.send_all("cd");
    settle();
    CHECK(timeout(1h, [&] { return recv_exactly(both.server, 4); }) == "abcd");
  });
}

TEST_CASE_TEMPLATE("room that was told while nobody waited is not missed", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    fill(both.client);
    const auto first = create_task([&] { both.client.send_all("x"); });
    settle();
    CHECK_FALSE(first.done());
    const auto reader = create_task([&] { return recv_all(both.server).size(); });
    first.await();
    settle();
    fill(both.client);
    both.client.send_all("y");
    both.client.close();
    CHECK(reader.await() > 2);
  });
}

TEST_CASE_TEMPLATE("a recv() that is cancelled loses no byte: before, with and after its wake-up",
                   S, SELECTORS) {
  run_on<S>([] {
    for (const int settled : {0, 1, 2}) {
      INFO("settled ", settled);
      Connection both;
      warm_up(both);
      std::string got;
      const auto reader = create_task([&] { got = both.server.recv(99); });
      settle();
      if (settled == 0) reader.cancel();
      both.client.send_all("data");
      if (settled == 1) reader.cancel();
      if (settled == 2) settle();
      reader.cancel();
      settle();
      CHECK(reader.cancelled() == (settled < 2));
      if (reader.cancelled()) got += both.server.recv(99);
      CHECK(got == "data");
    }
  });
}

TEST_CASE_TEMPLATE("a reader that is woken and cancelled in the same turn loses no byte", S,
                   SELECTORS) {
  run_on<S>([] {
    Connection first, second;
    std::vector<AnyTask> readers;
    Log log;
    for (Connection* both : {&first, &second})
      readers.emplace_back(create_task([&, both] {
        log(both->server.recv(99));
        for (const AnyTask& reader : readers)
          if (!(reader == current_task())) reader.cancel();
      }));
    settle();
    first.client.send_all("data");
    second.client.send_all("data");
    settle();  // both are woken by one poll; the first to run cancels the other
    CHECK(log == Log{"data"});
    CHECK(int(readers[0].cancelled()) + int(readers[1].cancelled()) == 1);
    Socket& unread = readers[0].cancelled() ? first.server : second.server;
    CHECK(unread.recv(99) == "data");
  });
}

TEST_CASE_TEMPLATE("a limit on recv() leaves the socket as it was", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    for (int i = 0; i < 3; ++i) {
      CHECK_THROWS_AS(timeout(1h, [&] { both.server.recv(9); }), TimeoutError);
      both.client.send_all("x");
      CHECK(timeout(1h, [&] { return both.server.recv(9); }) == "x");
    }
  });
}

TEST_CASE_TEMPLATE("five hundred connections at once", S, SELECTORS) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit before = limit;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2000);
  setrlimit(RLIMIT_NOFILE, &limit);
  const int count = int(std::min<rlim_t>(500, (limit.rlim_cur - 100) / 2));
  run_on<S>([&] {
    Socket listener = Socket::listen(free_address(Kind::IPv4), {.backlog = count});
    const Address address = listener.local_address();
    std::vector<Task<>> tasks;
    int right = 0;
    for (int i = 0; i < count; ++i)
      tasks.push_back(create_task([&, i] {
        Socket socket = Socket::connect(address);
        for (int round = 0; round < 3; ++round) {
          const std::string message = std::to_string(i * 10 + round) + std::string(1000, 'x');
          socket.send_all(message);
          right += recv_exactly(socket, message.size()) == message;
        }
      }));
    for (int i = 0; i < count; ++i)
      tasks.push_back(create_task([socket = listener.accept()]() mutable {
        for (std::string part; !(part = socket.recv(4096)).empty();) socket.send_all(part);
      }));
    gather(tasks);
    CHECK(right == 3 * count);
  });
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_SUITE_END();
