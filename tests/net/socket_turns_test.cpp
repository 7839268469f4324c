// A peer that always has something ready must not keep others from running.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/coroutine.h>
#include <weft/net/socket.h>
#include <weft/task/task.h>

#include "sockets.h"

using namespace weft;
using testing::settle, testing::turns;

TEST_SUITE_BEGIN("Socket: turns");

namespace {

constexpr int kCallsPerTurn = 64;

/// Sends a byte and reads it: two calls, both served at once.
void echo_one(Connection& both) {
  char byte = 'x';
  both.client.send({&byte, 1});
  both.server.recv_into(std::span(&byte, 1));
}

}  // namespace

TEST_CASE_TEMPLATE("calls that are served at once give up a turn after 64", S, SELECTORS) {
  run_on<S>([] {
    for (const Kind kind : {Kind::Pair, Kind::Abstract}) {  // TCP may deliver late
      Connection both(kind);
      yield_now();
      both.client.send_all(std::string(1000, 'x'));
      yield_now();
      const auto read = [&](int calls) {
        char byte = 0;
        for (; calls > 0; --calls) both.server.recv_into(std::span(&byte, 1));
      };
      CHECK(turns([&] { read(kCallsPerTurn); }) == 0);
      CHECK(turns([&] { read(1); }) == 1);
      CHECK(turns([&] { read(kCallsPerTurn - 1); }) == 0);
      yield_now();  // the count begins anew
      CHECK(turns([&] { read(kCallsPerTurn); }) == 0);
      yield_now();
      CHECK(turns([&] {
              for (int i = 0; i < kCallsPerTurn; ++i) both.client.send("y");
            }) == 0);
      CHECK(turns([&] { both.client.send("y"); }) == 1);
    }
  });
}

TEST_CASE_TEMPLATE("a task whose peer is always ready lets others run", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    bool stop = false;
    int echoed = 0;
    const auto busy = create_task([&] {
      while (!stop) {
        echo_one(both);
        ++echoed;
      }
    });
    create_task([&] {
      yield_now();
      stop = true;
    });
    busy.await();
    CHECK(echoed >= kCallsPerTurn / 2);
    CHECK(echoed <= 3 * kCallsPerTurn);
  });
}

TEST_CASE_TEMPLATE("a task whose peer is always ready can be cancelled, and loses no byte", S,
                   SELECTORS) {
  run_on<S>([] {
    Connection both;
    std::string data(1000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = char(i * 7);
    both.client.send_all(data);
    std::string got;
    const auto busy = create_task([&] {
      for (;;) got += both.server.recv(1);
    });
    yield_now();
    CHECK(got.size() == kCallsPerTurn);
    busy.cancel();
    settle();
    CHECK(busy.cancelled());
    CHECK(got.size() == kCallsPerTurn);
    CHECK(got + both.server.recv(1000) == data);
  });
}

TEST_CASE_TEMPLATE("accept() gives up a turn after 64 connections that were waiting", S,
                   SELECTORS) {
  run_on<S>([] {
    Socket listener = Socket::listen(free_address(Kind::Abstract));
    std::vector<Socket> clients, accepted;
    for (int i = 0; i < kCallsPerTurn + 1; ++i)
      clients.push_back(Socket::connect(listener.local_address()));
    yield_now();
    CHECK(turns([&] {
            for (int i = 0; i < kCallsPerTurn; ++i) accepted.push_back(listener.accept());
          }) == 0);
    CHECK(turns([&] { accepted.push_back(listener.accept()); }) == 1);
  });
}

TEST_CASE_TEMPLATE("a coroutine that is driven by hand is not suspended by calls that are served",
                   S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    Coroutine<int> body([&] {
      for (int i = 0; i < 2 * kCallsPerTurn; ++i) echo_one(both);
      return 7;
    });
    CHECK(body.send().result() == 7);
  });
}

TEST_SUITE_END();
