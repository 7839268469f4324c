#include <weft/net/address.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <doctest/doctest.h>

#include "../io/selectors.h"

using namespace weft;
using namespace std::string_literals;

namespace {

/// The path of `address` as the system is given it.
std::string_view path_of(const Address& address) {
  const std::size_t offset = offsetof(sockaddr_un, sun_path);
  return {static_cast<const char*>(address.data()) + offset, address.size() - offset};
}

}  // namespace

TEST_SUITE_BEGIN("Address");

TEST_CASE("an address that was printed is parsed to an equal one, and prints the same") {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:443",
                           "[::]:0", "[2001:db8::5]:1", "[::ffff:10.0.0.1]:9", "unix:/run/x",
                           "unix:relative", "unix:with:colons:7", "unix:@abstract"}) {
    const Address address = Address::parse(text);
    CHECK(address.to_string() == text);
    CHECK(Address::parse(address.to_string()) == address);
  }
}

TEST_CASE("parse() makes what ip() and unix_path() make") {
  CHECK(Address::parse("10.1.2.3:80") == Address::ip("10.1.2.3", 80));
  CHECK(Address::parse("[fd00::1]:80") == Address::ip("fd00::1", 80));
  CHECK(Address::parse("unix:/tmp/s") == Address::unix_path("/tmp/s"));
  CHECK(Address::parse("unix:@s") == Address::unix_path("\0s"s));
}

TEST_CASE("an IPv6 address is printed in its short form") {
  CHECK(Address::ip("2001:0DB8:0:0:0:0:0:1", 1).to_string() == "[2001:db8::1]:1");
}

TEST_CASE("the system gets the family, host and port in its own form") {
  sockaddr_in v4{};
  const Address address = Address::ip("1.2.3.4", 0x1234);
  REQUIRE(address.size() == sizeof v4);
  std::memcpy(&v4, address.data(), sizeof v4);
  CHECK(v4.sin_family == AF_INET);
  CHECK(ntohl(v4.sin_addr.s_addr) == 0x01020304);
  CHECK(ntohs(v4.sin_port) == 0x1234);
}

TEST_CASE("a scope is an interface, by name or by number") {
  const Address named = Address::ip("fe80::1%lo", 80);
  CHECK(named == Address::ip("fe80::1%1", 80));  // lo is always the first
  CHECK(named.to_string() == "[fe80::1%lo]:80");
  CHECK(Address::parse(named.to_string()) == named);
  CHECK_FALSE(named == Address::ip("fe80::1", 80));
}

TEST_CASE("a scope whose number no interface has is kept as the number") {
  CHECK(Address::parse("[fe80::1%7654321]:80").to_string() == "[fe80::1%7654321]:80");
}

TEST_CASE("family() tells the kinds apart") {
  CHECK(Address().family() == Family::None);
  CHECK(Address::ip("127.0.0.1", 1).family() == Family::IPv4);
  CHECK(Address::ip("::1", 1).family() == Family::IPv6);
  CHECK(Address::unix_path("x").family() == Family::Unix);
}

TEST_CASE("ports go from 0 to 65535") {
  CHECK(Address::ip("::1", 0).port() == 0);
  CHECK(Address::ip("127.0.0.1", 65535).port() == 65535);
  for (const int port : {-1, 65536, 1 << 20})
    CHECK(error_of([&] { Address::ip("127.0.0.1", port); }) ==
          "ValueError('port: " + std::to_string(port) + " is not between 0 and 65535')");
}

TEST_CASE("what has no port says so") {
  CHECK(error_of([] { (void)Address::unix_path("/x").port(); }) ==
        "ValueError('port: 'unix:/x' has none')");
  CHECK(error_of([] { (void)Address().port(); }) == "ValueError('port: 'unnamed' has none')");
}

TEST_CASE("a host that is none is refused by name") {
  for (const std::string& host :
       {""s, "localhost"s, "1.2.3"s, "1.2.3.4.5"s, "256.0.0.1"s, "01.2.3.4"s, " 1.2.3.4"s,
        "1.2.3.4 "s, "[::1]"s, ":"s, ":::"s, "1:2:3:4:5:6:7:8:9"s, "g::"s, "1.2.3.4%lo"s}) {
    INFO("host ", host);
    CHECK(error_of([&] { Address::ip(host, 1); }) ==
          "ValueError('host: '" + host + "' is neither an IPv4 nor an IPv6 address')");
  }
}

TEST_CASE("a host with a zero byte is refused, whatever stands before it") {
  for (const std::string& host : {"127.0.0.1\0"s, "::1\0x"s, "fe80::1%lo\0x"s})
    CHECK(contains(error_of([&] { Address::ip(host, 1); }), "ValueError('host: "));
}

TEST_CASE("a scope that names no interface is refused") {
  for (const char* host :
       {"fe80::1%", "fe80::1%no-such-interface", "fe80::1%-1", "fe80::1%1x", "fe80::1%12345678901"})
    CHECK(error_of([&] { Address::ip(host, 1); }) ==
          "ValueError('host: '"s + host + "' names no interface behind '%'')");
}

TEST_CASE("parse() refuses every other form, and names `address` and what it was") {
  for (const std::string& text : {""s,
                                  ":"s,
                                  ":80"s,
                                  "127.0.0.1"s,
                                  "127.0.0.1:"s,
                                  "127.0.0.1:x"s,
                                  "127.0.0.1:80x"s,
                                  "127.0.0.1: 80"s,
                                  "127.0.0.1:-1"s,
                                  "127.0.0.1:+1"s,
                                  "127.0.0.1:65536"s,
                                  "127.0.0.1:99999999999999999999"s,
                                  "::1"s,
                                  "::1:80"s,
                                  "[::1]"s,
                                  "[::1]:"s,
                                  "[::1:80"s,
                                  "::1]:80"s,
                                  "[]:80"s,
                                  "[127.0.0.1]:80"s,
                                  "[[::1]]:80"s,
                                  "localhost:80"s,
                                  "fe80::1%lo:80"s,
                                  "[fe80::1%nowhere]:80"s,
                                  "unix:"s,
                                  "unix"s,
                                  "UNIX:/x"s,
                                  "127.0.0.1:80\0"s,
                                  "127.0.0.1\0:80"s,
                                  "unix:/a\0b"s,
                                  "unix:" + std::string(200, 'x')}) {
    INFO("address ", text);
    const std::string error = error_of([&] { Address::parse(text); });
    CHECK(contains(error, "ValueError('address: '" + text + "'"));
  }
}

TEST_CASE("a path has from 1 to 107 bytes, and in the abstract namespace a zero byte more") {
  CHECK(path_of(Address::unix_path("x")) == "x\0"s);
  CHECK(path_of(Address::unix_path(std::string(107, 'x'))) == std::string(107, 'x') + '\0');
  CHECK(path_of(Address::unix_path("\0"s + std::string(107, 'x'))) ==
        "\0"s + std::string(107, 'x'));
  CHECK(error_of([] { Address::unix_path(""); }) == "ValueError('path: a Unix socket needs one')");
  CHECK(contains(error_of([] { Address::unix_path(std::string(108, 'x')); }),
                 "ValueError('path: 'xxx"));
  CHECK(contains(error_of([] { Address::unix_path("\0"s + std::string(108, 'x')); }),
                 "has 109 bytes"));
}

TEST_CASE("a zero byte inside a path is refused, but belongs to an abstract name") {
  CHECK(contains(error_of([] { Address::unix_path("/a\0b"s); }), "ValueError('path: "));
  const Address address = Address::unix_path("\0a\0b"s);
  CHECK(path_of(address) == "\0a\0b"s);
  CHECK(Address::parse(address.to_string()) == address);
}

TEST_CASE("a path that begins with @ is not taken for an abstract name") {
  const Address address = Address::unix_path("@x");
  CHECK_FALSE(address == Address::unix_path("\0x"s));
  CHECK_FALSE(Address::parse(address.to_string()) == Address::unix_path("\0x"s));
}

TEST_CASE("addresses are equal if host, port and family are") {
  const Address address = Address::ip("127.0.0.1", 80);
  CHECK(address == Address::ip("127.0.0.1", 80));
  CHECK_FALSE(address == Address::ip("127.0.0.1", 81));
  CHECK_FALSE(address == Address::ip("127.0.0.2", 80));
  CHECK_FALSE(address == Address::ip("::ffff:127.0.0.1", 80));
  CHECK_FALSE(address == Address());
  CHECK(Address() == Address());
  CHECK_FALSE(Address::unix_path("a") == Address::unix_path("\0a"s));
  CHECK_FALSE(Address::unix_path("a") == Address::unix_path("ab"));
}

TEST_CASE("from_system() takes what data() and size() give") {
  for (const char* text : {"1.2.3.4:5", "[::1]:5", "unix:/x", "unix:@x"}) {
    const Address address = Address::parse(text);
    CHECK(Address::from_system(address.data(), address.size()) == address);
  }
}

TEST_CASE("an unnamed Unix peer is a Unix address without a path") {
  const sa_family_t family = AF_UNIX;
  const Address address = Address::from_system(&family, sizeof family);
  CHECK(address.family() == Family::Unix);
  CHECK(address.to_string() == "unix:");
}

TEST_SUITE_END();
