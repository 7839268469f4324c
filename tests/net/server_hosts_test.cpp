// White-box in one thing: the hosts are made up. Servers on all addresses of a name.
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/net/streams.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "hosts.h"
#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle;

namespace {

void echo_line(StreamReader reader, StreamWriter writer) { writer.write(reader.readline()); }

/// The host "a" with these addresses.
struct NamedHost {
  std::shared_ptr<HostTable> table = std::make_shared<HostTable>();
  UseResolver use{table};

  explicit NamedHost(std::vector<Address> addresses) { table->hosts["a"] = std::move(addresses); }
};

Address at(const char* host, int port = 0) { return Address::ip(host, port); }

void check_echo(const Address& address) {
  auto [reader, writer] = open_connection(address);
  writer.write("hello\n");
  CHECK(reader.readline() == "hello\n");
}

void end(Server& server) {
  server.close();
  server.wait_closed();
}

}  // namespace

TEST_SUITE_BEGIN("start_server of a host");

TEST_CASE_TEMPLATE("all addresses of a host are served, each once", S, SELECTORS) {
  run_on<S>([] {
    const NamedHost host({at("127.0.0.1"), at("127.0.0.2"), at("127.0.0.1")});
    Server server = start_server(echo_line, "a", 0);
    const std::vector<Address> addresses = server.local_addresses();
    REQUIRE(addresses.size() == 2);
    CHECK(addresses[0] == server.local_address());
    CHECK(addresses[0].to_string().starts_with("127.0.0.1:"));
    CHECK(addresses[1].to_string().starts_with("127.0.0.2:"));
    for (const Address& address : addresses) check_echo(address);
    end(server);
    for (const Address& address : addresses)
      CHECK(errno_of([&] { open_connection(address); }) == ECONNREFUSED);
  });
}

TEST_CASE("localhost is served, and connected to by its name") {
  testing::run([] {
    Server server = start_server(echo_line, "localhost", 0);
    auto [reader, writer] = open_connection("localhost", server.local_address().port());
    writer.write("hello\n");
    CHECK(reader.readline() == "hello\n");
    end(server);
  });
}

TEST_CASE("without a host all interfaces are served") {
  testing::run([] {
    Server server = start_server(echo_line, "", 0);
    for (const Address& address : server.local_addresses()) {
      const bool v4 = address.family() == Family::IPv4;
      check_echo(at(v4 ? "127.0.0.1" : "::1", address.port()));
    }
    end(server);
  });
}

TEST_CASE("IPv4 and IPv6 are served on the same port side by side") {
  if (!has_ipv6()) return;
  testing::run([] {
    int served = 0;
    for (int attempt = 0; attempt < 5 && served == 0; ++attempt) {  // somebody may have the port
      const int port = Socket::listen(at("0.0.0.0")).local_address().port();
      const NamedHost host({at("::", port), at("0.0.0.0", port)});
      try {
        Server server = start_server(echo_line, "a", port);
        check_echo(at("127.0.0.1", port));
        check_echo(at("::1", port));
        served = int(server.local_addresses().size());
        end(server);
      } catch (const std::system_error&) {
        // the next one
      }
    }
    CHECK(served == 2);
  });
}

TEST_CASE("if one address is taken, none is listened on") {
  testing::run([] {
    const Socket taken = Socket::listen(at("127.0.0.2"));
    const int port = Socket::listen(at("127.0.0.1")).local_address().port();
    const NamedHost host({at("127.0.0.1", port), taken.local_address()});
    CHECK(error_of([] { start_server(echo_line, "a", 0); }) ==
          "std::system_error('bind to " + taken.local_address().to_string() +
              ": Address already in use')");
    CHECK(errno_of([&] { open_connection(at("127.0.0.1", port)); }) == ECONNREFUSED);
  });
}

TEST_CASE("addresses that this machine does not have are left out, if there are others") {
  testing::run([] {
    const NamedHost host({at("192.0.2.1"), at("127.0.0.1")});
    Server server = start_server(echo_line, "a", 0);
    CHECK(server.local_addresses().size() == 1);
    check_echo(server.local_address());
    end(server);
    host.table->hosts["a"] = {at("192.0.2.1")};
    CHECK(errno_of([] { start_server(echo_line, "a", 0); }) == EADDRNOTAVAIL);
  });
}

TEST_CASE("the limit on connections is that of all addresses together") {
  testing::run([] {
    Log log;
    const NamedHost host({at("127.0.0.1"), at("127.0.0.2")});
    Server server =
        start_server([&](StreamReader reader, StreamWriter) { log("served " + reader.readline()); },
                     "a", 0, {.connections = 1});
    std::vector<Streams> clients;
    for (const Address& address : server.local_addresses())
      clients.push_back(open_connection(address));
    for (const char* name : {"one", "two"}) clients[name[0] == 't' ? 1 : 0].writer.write(name);
    settle();
    CHECK(server.clients() == 1);
    clients[1].writer.write_eof();
    settle();
    CHECK(log.empty());
    clients[0].writer.write_eof();
    settle();
    CHECK(log == Log{"served one", "served two"});
    clients.clear();
    end(server);
  });
}

TEST_CASE("drain() is of the connections to all addresses") {
  testing::run([] {
    const NamedHost host({at("127.0.0.1"), at("127.0.0.2")});
    Server server =
        start_server([](StreamReader reader, StreamWriter) { reader.readline(); }, "a", 0);
    std::vector<Streams> clients;
    for (const Address& address : server.local_addresses())
      clients.push_back(open_connection(address));
    settle();
    CHECK(server.drain(1s).size() == 2);
    CHECK(server.clients() == 0);
  });
}

TEST_CASE("cancelled during the look-up it listens nowhere") {
  testing::run([] {
    const NamedHost host({at("127.0.0.1")});
    host.table->delay = 1h;
    CHECK_THROWS_AS(timeout(1s, [] { start_server(echo_line, "a", 0); }), TimeoutError);
    const auto task = create_task([] { start_server(echo_line, "a", 0); });
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
  });
}

TEST_CASE("a host that is not known is a GaiError; misuse is refused by name") {
  CHECK(contains(error_of([] { start_server(echo_line, "a", 0); }), "RuntimeError('"));
  testing::run([] {
    const NamedHost host({});
    CHECK(contains(error_of([] { start_server(echo_line, "a", 0); }), "weft::GaiError('"));
    CHECK_THROWS_AS(start_server(echo_line, "b", 0), GaiError);
    CHECK(error_of([] { start_server({}, "a", 0); }) == "ValueError('callback: it is empty')");
    CHECK(error_of([] { start_server(echo_line, "a", -1); }) ==
          "ValueError('port: -1 is not between 0 and 65535')");
  });
}

TEST_SUITE_END();
