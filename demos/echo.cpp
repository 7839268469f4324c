// A server that sends back what it gets, and a load that checks each byte of it.
//
//   echo [serve HOST PORT | load HOST PORT [-c CONNECTIONS] [-s SIZE] [-t SECONDS]]

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include <weft/weft.h>

using weft::Address, weft::Socket, weft::TimePoint;

struct Load {
  int connections = 64, size = 64, seconds = 1;
  std::vector<double> times;  // in microseconds
};

void answer(Socket client) {
  char buffer[4096];
  while (const std::size_t got = client.recv_into(buffer))
    client.send_all(std::string_view(buffer, got));
}

void serve(Socket listener) {
  fmt::print("listening on {}\n", listener.local_address().to_string());
  std::fflush(stdout);
  for (;;) weft::create_task(answer, listener.accept());
}

void ask(const Address& server, int number, TimePoint end, Load& load) {
  Socket socket = Socket::connect(server);
  std::string message(std::size_t(load.size), '\0'), reply(message);
  for (int round = 0; weft::now() < end; ++round) {
    for (int i = 0; i < load.size; ++i) message[std::size_t(i)] = char(number * 31 + round * 7 + i);
    const TimePoint start = weft::now();
    socket.send_all(message);
    for (std::size_t got = 0, more = 1; got < reply.size() && more > 0; got += more)
      more = socket.recv_into(std::span(reply).subspan(got));
    if (reply != message) throw weft::RuntimeError("other bytes came back than were sent");
    load.times.push_back(std::chrono::duration<double, std::micro>(weft::now() - start).count());
  }
}

void put_load_on(const Address& server, Load& load) {
  std::vector<weft::Task<>> clients;
  const TimePoint end = weft::now() + std::chrono::seconds(load.seconds);
  for (int i = 0; i < load.connections; ++i)
    clients.push_back(weft::create_task([&, i, end] { ask(server, i, end, load); }));
  weft::gather(clients);
  std::sort(load.times.begin(), load.times.end());
  const double count = double(load.times.size());
  const auto at = [&](double part) { return load.times[std::size_t(part * (count - 1))]; };
  fmt::print("{} messages of {} bytes over {} connections, all bytes right\n", count, load.size,
             load.connections);
  fmt::print("{:.0f} messages/s, latency in us: p50 {:.0f}, p99 {:.0f}, p99.9 {:.0f}\n",
             count / load.seconds, at(0.5), at(0.99), at(0.999));
}

int number(std::string_view what, std::string_view text, int least) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (end != text.end() || value < least)
    throw weft::ValueError(fmt::format("{}: '{}' is no number from {} on", what, text, least));
  return value;
}

int main(int count, char** arguments) try {
  std::vector<std::string_view> args(arguments + 1, arguments + count);
  if (args.empty()) args = {"both", "127.0.0.1", "0"};
  if (args.size() < 3 || (args[0] != "serve" && args[0] != "load" && args[0] != "both"))
    throw weft::ValueError("usage: echo [serve HOST PORT | load HOST PORT [-c N] [-s N] [-t N]]");
  Load load;
  Address address = Address::ip(args[1], number("PORT", args[2], 0));
  for (std::size_t i = 3; i < args.size(); i += 2) {
    const auto option = std::string_view("-c-s-t").find(args[i]);
    if (args[i].size() != 2 || option == args[i].npos || option % 2 || i + 1 == args.size())
      throw weft::ValueError(fmt::format("'{}' is no option with a number", args[i]));
    (option == 0   ? load.connections
     : option == 2 ? load.size
                   : load.seconds) = number(args[i], args[i + 1], 1);
  }
  weft::run([&] {
    if (args[0] == "load") return put_load_on(address, load);
    Socket listener = Socket::listen(address);
    if (args[0] == "serve") return serve(std::move(listener));
    address = listener.local_address();
    weft::create_task(serve, std::move(listener));
    put_load_on(address, load);
  });
} catch (const weft::KeyboardInterrupt&) {
  fmt::print("echo: interrupted\n");
} catch (const std::exception& error) {
  fmt::print(stderr, "echo: {}\n", error.what());
  return 2;
}
