#include <weft/net/streams.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/coro/async_for.h>
#include <weft/net/socket_stream.h>
#include <weft/task/gather.h>
#include <weft/task/task.h>

#include "../child.h"
#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle;

namespace {

Address loopback() { return free_address(Kind::IPv4); }

void echo_lines(StreamReader reader, StreamWriter writer) {
  async_for(reader, [&](const std::string& line) {
    writer.write(line);
    writer.drain();
  });
}

void end(const Server& server) {
  Server it(server);
  it.close();
  it.wait_closed();
}

}  // namespace

TEST_SUITE_BEGIN("start_server, open_connection");

TEST_CASE_TEMPLATE("lines go to a server and come back, over each selector", S, SELECTORS) {
  run_on<S>([] {
    const Server server = start_server(echo_lines, loopback());
    CHECK(server.is_serving());
    CHECK(server.local_address().port() != 0);
    std::vector<Task<>> clients;
    for (int i = 0; i < 10; ++i)
      clients.push_back(create_task([&, i] {
        auto [reader, writer] = open_connection(server.local_address());
        for (int n = 0; n < 20; ++n) {
          const std::string line = std::to_string(i) + "." + std::to_string(n) + "\n";
          writer.write(line);
          CHECK(reader.readline() == line);
        }
        writer.write_eof();
        CHECK(reader.read_all().empty());
      }));
    for (const auto& client : clients) client.await();
    end(server);
    CHECK(server.clients() == 0);
  });
}

TEST_CASE("a server on a path replaces a socket that was left, and removes its own") {
  testing::run([] {
    const std::string path = "/tmp/" + unused_name();
    {
      const Socket left = Socket::listen(Address::unix_path(path));
    }
    Server server = start_unix_server(echo_lines, path);
    {
      auto [reader, writer] = open_unix_connection(path);
      writer.write("over a path\n");
      CHECK(reader.readline() == "over a path\n");
    }
    end(server);
    CHECK(::access(path.c_str(), F_OK) != 0);
  });
}

TEST_CASE("what a callback throws is reported, closes its connection, and leaves the server up") {
  testing::run([] {
    Log log;
    EventLoop& loop = get_running_loop();
    loop.set_exception_handler([&](const ExceptionContext& context) {
      log(std::string(context.message) + ": " + describe(context.exception));
    });
    const Server server = start_server(
        [](StreamReader reader, StreamWriter) { throw ValueError(reader.readline()); }, loopback());
    for (const char* text : {"one", "two"}) {
      auto [reader, writer] = open_connection(server.local_address());
      writer.write(text);
      writer.write_eof();
      CHECK(reader.read_all().empty());
    }
    settle();
    CHECK(log == Log{"Unhandled exception in client_connected_cb: ValueError('one')",
                     "Unhandled exception in client_connected_cb: ValueError('two')"});
    end(server);
  });
}

TEST_CASE("close() stops listening; connections go on, and wait_closed() waits for them") {
  testing::run([] {
    Server server = start_server(echo_lines, loopback());
    std::optional<Streams> client = open_connection(server.local_address());
    settle();
    CHECK(server.clients() == 1);
    server.close();
    server.close();
    CHECK_FALSE(server.is_serving());
    CHECK(errno_of([&] { open_connection(server.local_address()); }) == ECONNREFUSED);
    const auto closed = create_task([&] { server.wait_closed(); });
    client->writer.write("still here\n");
    CHECK(client->reader.readline() == "still here\n");
    settle();
    CHECK_FALSE(closed.done());
    client.reset();
    closed.await();
  });
}

TEST_CASE("close_clients() brings readers to their end, behind what is buffered") {
  testing::run([] {
    Log log;
    const std::string big(3'000'000, 'x');
    Server server = start_server(
        [&](StreamReader reader, StreamWriter writer) {
          writer.write(big);
          log("read " + reader.readline());
        },
        loopback());
    auto [reader, writer] = open_connection(server.local_address());
    settle();
    server.close_clients();
    settle();
    CHECK(reader.read_all().size() == big.size());
    end(server);
    CHECK(log == Log{"read "});
  });
}

TEST_CASE("no more connections are served than may be; the others wait their turn") {
  testing::run([] {
    Log log;
    const Server server =
        start_server([&](StreamReader reader, StreamWriter) { log(reader.readline()); }, loopback(),
                     {.connections = 2});
    std::vector<Streams> clients;
    for (const char* name : {"a", "b", "c"}) {
      clients.push_back(open_connection(server.local_address()));
      clients.back().writer.write(name);
    }
    settle();
    CHECK(server.clients() == 2);
    clients[2].writer.write_eof();
    settle();
    CHECK(log.empty());
    clients[0].writer.write_eof();
    settle();
    CHECK(log == Log{"a", "c"});
    clients.clear();
    end(server);
  });
}

TEST_CASE("the limit on lines is the server's") {
  testing::run([] {
    std::string error;
    const Server server = start_server(
        [&](StreamReader reader, StreamWriter) { error = error_of([&] { reader.readline(); }); },
        loopback(), {.limit = 5});
    auto [reader, writer] = open_connection(server.local_address());
    writer.write("0123456789\n");
    CHECK(reader.read_all().empty());
    CHECK(error == "ValueError('Separator is found, but chunk is longer than limit')");
    end(server);
  });
}

TEST_CASE("an idle connection fails after its time, and is not reported") {
  testing::run([] {
    const TimePoint start = now();
    std::string error;
    const Server server = start_server(
        [&](StreamReader reader, StreamWriter writer) {
          writer.write(reader.readline());
          try {
            reader.readline();
          } catch (...) {
            error = describe(std::current_exception());
            throw;
          }
        },
        loopback(), {.idle = 10s});
    auto [reader, writer] = open_connection(server.local_address());
    sleep(8s);
    writer.write("in time\n");
    CHECK(reader.read_all() == "in time\n");
    CHECK(now() - start == 18s);
    CHECK(contains(error, "nothing came or went for 10000 ms"));
    end(server);
  });
}

TEST_CASE("what goes out keeps a connection from being idle, too") {
  testing::run([] {
    const Server server = start_server(
        [](StreamReader reader, StreamWriter writer) {
          const auto ticker = create_task([&] {
            for (int i = 0; i < 5; ++i) sleep(8s), writer.write("tick\n");
          });
          CHECK(reader.readline() == "enough\n");
          ticker.await();
        },
        loopback(), {.idle = 10s});
    auto [reader, writer] = open_connection(server.local_address());
    for (int i = 0; i < 5; ++i) CHECK(reader.readline() == "tick\n");
    writer.write("enough\n");
    CHECK(reader.read_all().empty());
    end(server);
  });
}

TEST_CASE("drain() gives connections time, then names and ends those that are left") {
  testing::run([] {
    const TimePoint start = now();
    Server server = start_server(
        [](StreamReader reader, StreamWriter writer) {
          if (reader.readline() == "slow\n") sleep(24h);
          sleep(2s);
          writer.write("done\n");
        },
        loopback());
    auto quick = open_connection(server.local_address());
    auto slow = open_connection(server.local_address());
    quick.writer.write("quick\n");
    slow.writer.write("slow\n");
    settle();
    const std::string name =
        dynamic_cast<SocketStream&>(slow.writer.stream()).socket().local_address().to_string();
    CHECK(server.drain(5s) == std::vector<std::string>{name + " (in sleep)"});
    CHECK(now() - start == 5s);
    CHECK(server.clients() == 0);
    CHECK(quick.reader.read_all() == "done\n");
    CHECK(slow.reader.read_all().empty());
    CHECK(server.drain(5s).empty());
  });
}

TEST_CASE("serve_forever() serves until close(), or until it is cancelled") {
  testing::run([] {
    Server server = start_server(echo_lines, loopback());
    const auto serving = create_task([&] { server.serve_forever(); });
    settle();
    CHECK_FALSE(serving.done());
    serving.cancel();
    CHECK_THROWS_AS(serving.await(), CancelledError);
    CHECK_FALSE(server.is_serving());
    server.serve_forever();
    server.wait_closed();
  });
}

TEST_CASE("misuse is refused by name") {
  CHECK(contains(error_of([] { start_server(echo_lines, loopback()); }), "RuntimeError('"));
  testing::run([] {
    CHECK(error_of([] { start_server({}, loopback()); }) == "ValueError('callback: it is empty')");
  });
}

namespace {

/// No more descriptors than one.
void leave_one_descriptor() {
  const int next = ::dup(STDIN_FILENO);
  ::close(next);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = rlim_t(next) + 1;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void leave_all_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void run_out_of_descriptors() {
  std::string happened;
  int reports = 0, served = 0;
  const auto note = [&] {
    settle();
    happened += std::to_string(served) + " served, " + std::to_string(reports) + " reports; ";
  };
  get_running_loop().set_exception_handler([&](const ExceptionContext& context) {
    reports += context.message == "socket.accept() out of system resource";
  });
  const std::string path = "/tmp/" + unused_name();
  Server server = start_unix_server(
      [&](StreamReader reader, StreamWriter) { ++served, reader.read_all(); }, path);
  std::vector<Streams> clients;  // connecting to a path needs no accept()
  for (int i = 0; i < 4; ++i) clients.push_back(open_unix_connection(path));
  leave_one_descriptor();
  note();
  note();                          // it does not try again and again
  clients.erase(clients.begin());  // and its other end goes: that is two
  note();
  leave_all_descriptors();
  sleep(1s);
  note();
  clients.clear();
  end(server);
  std::fputs(happened.c_str(), stderr);
}

}  // namespace

TEST_CASE("a server without descriptors is quiet, and goes on when some come back") {
  if (under_valgrind()) return;  // which counts descriptors in its own way
  const Ending ending = run_in_child([] { testing::run(run_out_of_descriptors); });
  CHECK(ending.status == 0);
  CHECK(ending.errors ==
        "1 served, 1 reports; 1 served, 1 reports; 3 served, 2 reports; "
        "4 served, 2 reports; ");
}

TEST_SUITE_END();
