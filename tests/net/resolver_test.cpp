// White-box in one thing: it replaces the calls of the system that look names up.
#include <weft/net/resolver.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>

#include <doctest/doctest.h>

#include <weft/io/to_thread.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "held_lookup.h"
#include "hosts.h"
#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle, testing::turns;

namespace {

std::vector<std::string> texts(const std::vector<AddressInfo>& found) {
  std::vector<std::string> all;
  for (const AddressInfo& info : found) all.push_back(info.address.to_string());
  return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_SUITE_BEGIN("resolver");

TEST_CASE("digits are not looked up, and need no loop") {
  CHECK(texts(getaddrinfo("127.0.0.1", 80)) == Texts{"127.0.0.1:80"});
  CHECK(texts(getaddrinfo("::1", "8080")) == Texts{"[::1]:8080"});
  CHECK(texts(getaddrinfo("127.0.0.1", "")) == Texts{"127.0.0.1:0"});
  const AddressInfo info = getaddrinfo("127.0.0.1", 9, {.type = SocketType::Datagram}).front();
  CHECK(info.type == SocketType::Datagram);
  CHECK(info.protocol == IPPROTO_UDP);
  CHECK(getnameinfo(Address::ip("127.0.0.1", 80), NI_NUMERICHOST | NI_NUMERICSERV) ==
        NameInfo{"127.0.0.1", "80"});
}

TEST_CASE("no host is this machine: its loopback, or what listens everywhere") {
  const Texts here = texts(getaddrinfo("", 80, {.family = Family::IPv4}));
  CHECK(here == Texts{"127.0.0.1:80"});
  const Texts everywhere =
      texts(getaddrinfo("", 80, {.family = Family::IPv4, .flags = AI_PASSIVE}));
  CHECK(everywhere == Texts{"0.0.0.0:80"});
}

TEST_CASE("a type that is open gives an entry for each") {
  std::vector<SocketType> types;
  for (const AddressInfo& info : getaddrinfo("127.0.0.1", 80, {.type = SocketType::Any}))
    types.push_back(info.type);
  CHECK(types == std::vector{SocketType::Stream, SocketType::Datagram});
}

TEST_CASE("a name is looked up in a thread, while others run") {
  testing::run([] {
    bool ran = false;
    const auto other = create_task([&] { ran = true; });
    const Texts found = texts(getaddrinfo("localhost", 80, {.family = Family::IPv4}));
    CHECK(std::ranges::count(found, "127.0.0.1:80") > 0);
    CHECK(ran);
    other.await();
  });
}

TEST_CASE("the name of an address is looked up in a thread") {
  testing::run([] {
    CHECK(turns([] {
            CHECK(getnameinfo(Address::ip("127.0.0.1", 80), NI_NUMERICHOST).host == "127.0.0.1");
          }) > 0);
  });
}

TEST_CASE("an error has the system's number and text, and names host and service") {
  testing::run([] {
    try {
      getaddrinfo("nowhere", 80, {.flags = AI_NUMERICHOST});
      FAIL_CHECK("it was found");
    } catch (const GaiError& error) {
      CHECK(error.code() == std::error_code(EAI_NONAME, gai_category()));
      CHECK(std::string(error.what()) ==
            std::string("getaddrinfo for host 'nowhere', service '80': ") +
                gai_strerror(EAI_NONAME));
    }
    CHECK_THROWS_AS(getaddrinfo("127.0.0.1", "no such service"), GaiError);
    CHECK_THROWS_AS(getaddrinfo("::1", 80, {.family = Family::IPv4}), GaiError);
  });
}

TEST_CASE("an error of the address's names names the address") {
  testing::run([] {
    const HeldLookup lookup(EAI_AGAIN);
    lookup.let_go();
    CHECK(error_of([] { getnameinfo(Address::ip("127.0.0.1", 80)); }) ==
          std::string("weft::GaiError('getnameinfo for 127.0.0.1:80: ") + gai_strerror(EAI_AGAIN) +
              "')");
  });
}

TEST_CASE("if the system itself fails, the error is the system's") {
  testing::run([] {
    const HeldLookup lookup(EAI_SYSTEM, EMFILE);
    lookup.let_go();
    CHECK(error_of([] { getaddrinfo("host", 80); }) ==
          "std::system_error('getaddrinfo for host 'host', service '80': Too many open files')");
  });
}

TEST_CASE("misuse is refused by name") {
  CHECK(error_of([] { getaddrinfo(std::string_view("a\0b", 3), 80); }) ==
        "ValueError('host: '" + std::string("a\0b", 3) + "' contains a zero byte')");
  CHECK(contains(error_of([] { getaddrinfo("a", std::string_view("\0", 1)); }), "('service: "));
  CHECK(error_of([] { getaddrinfo("::1", -1); }) ==
        "ValueError('port: -1 is not between 0 and 65535')");
  for (const char* port : {"65536", "000000000000070000", "99999999999999999999"})
    CHECK(error_of([&] { getaddrinfo("::1", port); }) ==
          "ValueError('port: " + std::string(port) + " is not between 0 and 65535')");
  CHECK(texts(getaddrinfo("127.0.0.1", "0065535")) == Texts{"127.0.0.1:65535"});
  CHECK(error_of([] { getaddrinfo("a", 80, {.family = Family::Unix}); }) ==
        "ValueError('family: a Unix socket has no host')");
  CHECK(error_of([] { getnameinfo(Address::unix_path("/x")); }) ==
        "ValueError('address: unix:/x is none of a host')");
  CHECK(contains(error_of([] { getaddrinfo("localhost", 80); }), "RuntimeError('"));
}

// ---- waiting

TEST_CASE("a look-up that is cancelled is left alone in its thread, at once") {
  const HeldLookup lookup;
  testing::run([&] {
    const auto task = create_task([] { getaddrinfo("host", 80); });
    settle();
    lookup.wait_until_begun();
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK_FALSE(lookup.over());
    lookup.let_go();
  });
}

TEST_CASE("a limit is kept however long the look-up takes") {
  const HeldLookup lookup;
  testing::run([&] {
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(5s, [] { getaddrinfo("host", 80); }), TimeoutError);
    CHECK(now() - start == 5s);
    CHECK_THROWS_AS(timeout(5s, [] { getnameinfo(Address::ip("127.0.0.1", 80)); }), TimeoutError);
    CHECK(now() - start == 10s);
    lookup.let_go();
  });
}

TEST_CASE("run() waits for look-ups that were left alone") {
  const HeldLookup lookup;
  std::thread late;
  testing::run([&] {
    const auto task = create_task([] { getaddrinfo("host", 80); });
    settle();
    lookup.wait_until_begun();
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    late = std::thread([&] { lookup.let_go(); });
  });
  CHECK(lookup.over());
  late.join();
}

// ---- a resolver of one's own

TEST_CASE("UseResolver has another one asked, by this task and those that it makes") {
  testing::run([] {
    const auto table = std::make_shared<HostTable>();
    table->hosts["a"] = {Address::ip("127.0.0.2", 7), Address::ip("::1", 7)};
    const auto ask = [] { return texts(getaddrinfo("a", 7)); };
    const auto before = create_task([&] {
      sleep(1s);
      return error_of(ask);
    });
    settle();
    {
      const HeldLookup system(EAI_AGAIN);
      system.let_go();
      const UseResolver use(table);
      CHECK(ask() == Texts{"127.0.0.2:7", "[::1]:7"});
      CHECK(create_task(ask).await() == Texts{"127.0.0.2:7", "[::1]:7"});
      CHECK(getnameinfo(Address::ip("::1", 7)).host == "host of [::1]:7");
      CHECK(contains(before.await(), gai_strerror(EAI_AGAIN)));
      {
        const UseResolver none(nullptr);
        CHECK(contains(error_of(ask), gai_strerror(EAI_AGAIN)));
      }
      CHECK(error_of([] { getaddrinfo("b", 7); }) ==
            std::string("weft::GaiError('no b, nor 7: ") + gai_strerror(EAI_NONAME) + "')");
      CHECK(table->asked == 3);
    }
  });
}

TEST_CASE("a resolver of one's own may be slow, and is cancelled where it waits") {
  testing::run([] {
    const auto table = std::make_shared<HostTable>();
    table->hosts["a"] = {Address::ip("127.0.0.2", 7)};
    table->delay = 10s;
    const UseResolver use(table);
    const TimePoint start = now();
    CHECK(getaddrinfo("a", 7).size() == 1);
    CHECK(now() - start == 10s);
    CHECK_THROWS_AS(timeout(1s, [] { getaddrinfo("a", 7); }), TimeoutError);
    CHECK(now() - start == 11s);
  });
}

TEST_CASE("a resolver of one's own is not asked for digits") {
  testing::run([] {
    const auto table = std::make_shared<HostTable>();
    const UseResolver use(table);
    CHECK(texts(getaddrinfo("127.0.0.1", 80)) == Texts{"127.0.0.1:80"});
    CHECK(table->asked == 0);
  });
}

TEST_SUITE_END();
