// The first of a host's addresses that answers (RFC 8305, "Happy Eyeballs"): an attempt begins when
// the one before has failed, or has taken 250 ms; the winner has the others cancelled. weft has
// this in connect_to_host(); here it is, written with a task group.
//
//   happy_eyeballs [HOST PORT]; without, of a host with one that refuses and one that never answers

#include <charconv>
#include <cstdio>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include <weft/weft.h>

using namespace std::chrono_literals;
using weft::Address, weft::Socket;

struct Race {
  const std::vector<Address> addresses;
  std::deque<weft::Event> failed = std::deque<weft::Event>(addresses.size());
  std::optional<Socket> winner = {};
  weft::TaskGroup group = {};
  const weft::TimePoint start = weft::now();

  void attempt(std::size_t i) {
    if (i > 0) wait_until_failed_for_250_ms(i - 1);
    if (i + 1 < addresses.size()) group.create_task([this, i] { attempt(i + 1); });
    try {
      say(i, "tried");
      Socket socket = Socket::connect(addresses[i]);
      say(i, "connected");
      winner = std::move(socket);
      group.cancel();
    } catch (const std::system_error& error) {
      say(i, error.code().message());
      failed[i].set();
    } catch (const weft::CancelledError&) {
      say(i, "given up");
      throw;
    }
  }

  void wait_until_failed_for_250_ms(std::size_t i) {
    try {
      weft::timeout(250ms, [&] { failed[i].wait(); });
    } catch (const weft::TimeoutError&) {
    }
  }

  void say(std::size_t i, std::string_view what) const {
    const auto passed = std::chrono::floor<std::chrono::milliseconds>(weft::now() - start);
    fmt::print("{:5} ms  {}  {}\n", passed.count(), addresses[i].to_string(), what);
  }
};

std::optional<Socket> connect(std::vector<Address> addresses) {
  Race race{std::move(addresses)};
  weft::task_group(race.group, [&] { race.attempt(0); });
  return std::move(race.winner);
}

/// Fills the queue of a listener that never accepts.
std::vector<Socket> crowd(const Address& address) {
  std::vector<Socket> clients;
  try {
    for (;;) clients.push_back(Socket::connect(address, {.timeout = 100ms}));
  } catch (const weft::TimeoutError&) {
  }
  return clients;
}

bool made_up() {
  const Address nobody = Socket::listen(Address::ip("127.0.0.1", 0)).local_address();
  const Socket busy = Socket::listen(Address::ip("127.0.0.1", 0), {.backlog = 0});
  const Socket good = Socket::listen(Address::ip("127.0.0.1", 0));
  const std::vector<Socket> clients = crowd(busy.local_address());
  return connect({nobody, busy.local_address(), good.local_address()}).has_value();
}

int main(int count, char** arguments) try {
  int port = 0;
  const std::string_view text = count == 3 ? arguments[2] : "";
  const bool is_port = std::from_chars(text.begin(), text.end(), port).ptr == text.end();
  if (count != 1 && (count != 3 || !is_port))
    throw weft::ValueError("usage: happy_eyeballs [HOST PORT]");
  const bool connected = weft::run([&] {
    if (count == 1) return made_up();
    std::vector<Address> addresses;
    for (auto& info : weft::getaddrinfo(arguments[1], port)) addresses.push_back(info.address);
    return connect(std::move(addresses)).has_value();
  });
  return connected ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "happy_eyeballs: {}\n", error.what());
  return 2;
}
