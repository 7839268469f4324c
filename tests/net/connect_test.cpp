// White-box in one thing: it decides what comes of each attempt.
#include <weft/net/connect.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/exception_group.h>
#include <weft/net/resolver.h>
#include <weft/net/streams.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "hosts.h"
#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;
using Answer = Attempts::Answer;

namespace {

constexpr int kPort = 7;

/// The host "a" with these addresses, and a hand on the attempts to connect to it.
struct Host {
  std::shared_ptr<HostTable> table = std::make_shared<HostTable>();
  UseResolver use{table};
  Attempts attempts{};

  explicit Host(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses)
      table->hosts["a"].push_back(Address::ip(address, kPort));
  }
  Socket connect(const HostOptions& options = {}) const {
    return connect_to_host("a", kPort, options);
  }
  /// Lets all attempts hang until none begins any more.
  Log order(const HostOptions& options) {
    attempts.log.clear();
    CHECK_THROWS_AS(timeout(1h, [&] { connect(options); }), TimeoutError);
    Log begun = std::move(attempts.log);
    return begun;
  }
};

/// It is the other end of what `listener` accepts.
void check_connected(const Socket& socket, Socket& listener) {
  const Socket accepted = listener.accept();
  CHECK(accepted.peer_address() == socket.local_address());
}

}  // namespace

TEST_SUITE_BEGIN("connect_to_host");

TEST_CASE_TEMPLATE("a name is looked up and connected to, over each selector", S, SELECTORS) {
  run_on<S>([] {
    Socket listener = Socket::listen(free_address(Kind::IPv4));
    const Socket socket = connect_to_host("localhost", listener.local_address().port());
    check_connected(socket, listener);
  });
}

TEST_CASE("digits are connected to as they are") {
  testing::run([] {
    Socket listener = Socket::listen(free_address(Kind::IPv4));
    const int port = listener.local_address().port();
    CHECK(turns([&] { connect_to_host("127.0.0.1", port); }) <= 2);
    listener.accept();
    auto [reader, writer] = open_connection("127.0.0.1", port);
    Socket accepted = listener.accept();
    accepted.send_all("hello\n");
    CHECK(reader.readline() == "hello\n");
  });
}

TEST_CASE("an address that refuses is followed by the next at once") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    host.attempts.answers = {{"127.0.0.2:7", Answer::Refuse}, {"127.0.0.3:7", Answer::Connect}};
    const Socket socket = host.connect();
    check_connected(socket, host.attempts.listener);
    CHECK(host.attempts.log == Log{"127.0.0.2:7 at 0", "127.0.0.3:7 at 0"});
  });
}

TEST_CASE("an attempt that takes 250 ms gets the next beside it, and is closed if that succeeds") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3"});
    host.attempts.answers = {{"127.0.0.3:7", Answer::Connect}};
    const std::size_t before = open_descriptors();
    const Socket socket = host.connect();
    CHECK(open_descriptors() == before + 1);
    check_connected(socket, host.attempts.listener);
    CHECK(host.attempts.log == Log{"127.0.0.2:7 at 0", "127.0.0.3:7 at 250"});
  });
}

TEST_CASE("an attempt that was overtaken may still be the first to succeed") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    const std::size_t before = open_descriptors();
    const auto task = create_task([&] { return host.connect({.happy_eyeballs_delay = 1s}); });
    sleep(1500ms);
    host.attempts.finish("127.0.0.2:7");
    const Socket socket = task.await();
    CHECK(open_descriptors() == before + 1);
    check_connected(socket, host.attempts.listener);
    CHECK(host.attempts.log == Log{"127.0.0.2:7 at 0", "127.0.0.3:7 at 1000"});
  });
}

TEST_CASE("of two that succeed in the same turn one is taken, and the other closed") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3"});
    const std::size_t before = open_descriptors();
    const auto task = create_task([&] { return host.connect(); });
    sleep(1s);
    host.attempts.finish("127.0.0.2:7");
    host.attempts.finish("127.0.0.3:7");
    const Socket socket = task.await();
    CHECK(open_descriptors() == before + 1);
    Socket accepted[] = {host.attempts.listener.accept(), host.attempts.listener.accept()};
    const int taken = accepted[0].peer_address() == socket.local_address() ? 0 : 1;
    CHECK(accepted[taken].peer_address() == socket.local_address());
    CHECK(accepted[1 - taken].recv(1).empty());
  });
}

TEST_CASE("without a delay the next attempt begins only when one has failed") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "::1", "127.0.0.3"});
    host.attempts.answers = {{"127.0.0.2:7", Answer::Refuse}};
    CHECK(host.order({.happy_eyeballs_delay = {}}) == Log{"127.0.0.2:7 at 0", "[::1]:7 at 0"});
  });
}

TEST_CASE("families take turns, behind as many of the first one as are wanted") {
  run_on<Best>([] {
    Host host({"::1", "::2", "::3", "127.0.0.1", "127.0.0.2"});
    CHECK(host.order({.happy_eyeballs_delay = 1ms}) == Log{"[::1]:7 at 0", "127.0.0.1:7 at 1",
                                                           "[::2]:7 at 2", "127.0.0.2:7 at 3",
                                                           "[::3]:7 at 4"});
  });
  run_on<Best>([] {
    Host host({"::1", "::2", "::3", "127.0.0.1", "127.0.0.2"});
    CHECK(host.order({.happy_eyeballs_delay = 1ms, .interleave = 2}) ==
          Log{"[::1]:7 at 0", "[::2]:7 at 1", "127.0.0.1:7 at 2", "[::3]:7 at 3",
              "127.0.0.2:7 at 4"});
  });
  run_on<Best>([] {
    Host host({"::1", "::2", "127.0.0.1"});
    CHECK(host.order({.happy_eyeballs_delay = 1ms, .interleave = 0}) ==
          Log{"[::1]:7 at 0", "[::2]:7 at 1", "127.0.0.1:7 at 2"});
  });
  run_on<Best>([] {
    Host host({"127.0.0.1", "127.0.0.2"});
    CHECK(host.order({.happy_eyeballs_delay = 1ms, .interleave = 9}) ==
          Log{"127.0.0.1:7 at 0", "127.0.0.2:7 at 1"});
  });
}

// ---- failures

TEST_CASE("the error of the only address is thrown as it is") {
  testing::run([] {
    Host host({"127.0.0.2"});
    host.attempts.answers = {{"127.0.0.2:7", Answer::Refuse}};
    CHECK(error_of([&] { host.connect(); }) ==
          "std::system_error('connect to 127.0.0.2:7: Connection refused')");
    CHECK(errno_of([&] { host.connect(); }) == ECONNREFUSED);
  });
}

TEST_CASE("if all attempts fail, the errors of all are kept, in the order of the attempts") {
  testing::run([] {
    Host host({"127.0.0.2", "127.0.0.3"});
    host.attempts.answers = {{"127.0.0.2:7", Answer::Refuse}, {"127.0.0.3:7", Answer::Refuse}};
    const std::string first = "connect to 127.0.0.2:7: Connection refused";
    const std::string second = "connect to 127.0.0.3:7: Connection refused";
    try {
      host.connect();
      FAIL_CHECK("it is connected");
    } catch (const ConnectError& error) {
      CHECK(error.what() == "Multiple exceptions: " + first + ", " + second);
      CHECK(error.code().value() == ECONNREFUSED);
      REQUIRE(error.errors().size() == 2);
      CHECK(describe(error.errors()[0]) == "std::system_error('" + first + "')");
      CHECK(describe(error.errors()[1]) == "std::system_error('" + second + "')");
    }
    CHECK(error_of([&] { host.connect({.all_errors = true}); }) ==
          "ExceptionGroup('create_connection failed', [std::system_error('" + first +
              "'), std::system_error('" + second + "')])");
  });
}

TEST_CASE("an error that all attempts have is thrown once") {
  testing::run([] {
    Host host({"127.0.0.2", "127.0.0.2"});
    host.attempts.answers = {{"127.0.0.2:7", Answer::Refuse}};
    CHECK(error_of([&] { host.connect(); }) ==
          "std::system_error('connect to 127.0.0.2:7: Connection refused')");
    CHECK(contains(error_of([&] { host.connect({.all_errors = true}); }), "2:7: Connection"));
  });
}

TEST_CASE("a host that is not known, or has no address, is a GaiError") {
  testing::run([] {
    const Host host({});
    CHECK_THROWS_AS(host.connect(), GaiError);
    host.table->hosts["a"] = {};
    CHECK(contains(error_of([&] { host.connect(); }), "getaddrinfo for host 'a' gave nothing"));
    CHECK(host.attempts.log.empty());
  });
}

TEST_CASE("what is no error of the system ends all attempts") {
  run_on<Best>([] {
    Host host({"127.0.0.2"});
    host.table->hosts["a"].emplace_back();  // of no family
    host.table->hosts["a"].push_back(Address::ip("127.0.0.3", kPort));
    CHECK(error_of([&] { host.connect({.interleave = 0}); }) ==
          "ValueError('address: it is empty')");
    CHECK(host.attempts.log == Log{"127.0.0.2:7 at 0"});
  });
}

TEST_CASE("misuse is refused by name") {
  testing::run([] {
    CHECK(error_of([] { connect_to_host("a", 65536); }) ==
          "ValueError('port: 65536 is not between 0 and 65535')");
    CHECK(contains(error_of([] { connect_to_host("a", 1, {.family = Family::Unix}); }),
                   "ValueError('family: "));
  });
}

// ---- this end

TEST_CASE("this end is where local_addresses says, one for each family") {
  run_on<Best>([] {
    Host host({"::1", "127.0.0.1"});
    host.attempts.answers = {{"127.0.0.1:7", Answer::Connect}};
    const Socket socket = host.connect({.local_addresses = {Address::ip("127.0.0.5", 0)}});
    CHECK(socket.local_address().to_string().starts_with("127.0.0.5:"));
    check_connected(socket, host.attempts.listener);
    CHECK(host.attempts.log == Log{"127.0.0.1:7 at 0"});  // the other one fails before that
  });
}

TEST_CASE("a local address that cannot be had is told, and closes the socket") {
  run_on<Best>([] {
    const Socket taken = Socket::listen(free_address(Kind::IPv4));
    Host host({"127.0.0.1"});
    CHECK(error_of([&] { host.connect({.local_addresses = {taken.local_address()}}); }) ==
          "std::system_error('bind to " + taken.local_address().to_string() +
              ": Address already in use')");
    CHECK(contains(error_of([&] { host.connect({.local_addresses = {Address::ip("::1", 0)}}); }),
                   "connect to 127.0.0.1:7: local_addresses has none of its family"));
  });
}

// ---- limits and cancellation

TEST_CASE("the limit is for it all, the look-up included, and names host and port") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3"});
    const TimePoint start = now();
    CHECK(error_of([&] { host.connect({.timeout = 1s}); }) ==
          "TimeoutError('connect to a:7: no answer within 1000 ms')");
    CHECK(now() - start == 1s);
    host.table->delay = 600ms;
    CHECK(contains(error_of([&] { host.connect({.timeout = 1s}); }), "TimeoutError('connect to"));
    CHECK(now() - start == 2s);
    CHECK(host.attempts.log == Log{"127.0.0.2:7 at 0", "127.0.0.3:7 at 250", "127.0.0.2:7 at 1600",
                                   "127.0.0.3:7 at 1850"});
    host.table->delay = 2s;
    CHECK(contains(error_of([&] { host.connect({.timeout = 1s}); }), "TimeoutError('connect to"));
    CHECK(error_of([&] { timeout(1s, [&] { host.connect(); }); }) == "TimeoutError()");
    CHECK(now() - start == 4s);
  });
}

TEST_CASE("a limit that suffices leaves nothing behind") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3"});
    host.attempts.answers = {{"127.0.0.3:7", Answer::Connect}};
    CHECK_FALSE(host.connect({.timeout = 24h}).closed());
  });
}

TEST_CASE("cancelled during the look-up or the attempts, it leaves no descriptor") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    host.table->delay = 1s;
    const std::size_t before = open_descriptors();
    for (const Duration when : {0ms, 500ms, 1000ms, 1100ms, 1250ms, 1600ms}) {
      const auto task = create_task([&] { host.connect(); });
      sleep(when);
      task.cancel();
      CHECK_THROWS_AS(task.await(), CancelledError);
      CHECK(open_descriptors() == before);
    }
  });
}

TEST_CASE("cancelled in the turn in which it succeeds, it closes the connection") {
  run_on<Best>([] {
    Host host({"127.0.0.2", "127.0.0.3"});
    const std::size_t before = open_descriptors();
    const auto task = create_task([&] { host.connect(); });
    sleep(300ms);
    host.attempts.finish("127.0.0.3:7");
    Socket accepted = host.attempts.listener.accept();
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK(accepted.recv(1).empty());
    accepted.close();
    CHECK(open_descriptors() == before);
  });
}

TEST_SUITE_END();
