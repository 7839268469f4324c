// port_forward PORT HOST PORT: what connects to the first port, here, is connected to the second
// one, there. Each direction is a task; when one ends, its end is passed on, and the other goes on.
// Ctrl-C or SIGTERM takes no more connections, and gives those that are there a second.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/core.h>

#include <weft/weft.h>
using namespace std::chrono_literals;

using weft::Address, weft::StreamReader, weft::StreamWriter;

/// As fast as the slower side: nothing is read while drain() waits.
std::size_t pump(StreamReader& from, StreamWriter& to) {
  std::size_t count = 0;
  for (std::string data; !(data = from.read(65536)).empty(); count += data.size()) {
    to.write(data);
    to.drain();
  }
  to.write_eof();
  return count;
}

void forward(const Address& there, StreamReader from_client, StreamWriter to_client) {
  const std::string client = to_client.stream().peer_name();
  try {
    auto [from_there, to_there] = weft::open_connection(there, {.connect = {.timeout = 5s}});
    std::size_t sent = 0, received = 0;
    weft::task_group([&](weft::TaskGroup& both) {  // if one fails, the other one is cancelled
      both.create_task([&] { sent = pump(from_client, to_there); });
      both.create_task([&] { received = pump(from_there, to_client); });
    });
    fmt::print("{}: {} bytes there, {} bytes back\n", client, sent, received);
  } catch (const std::exception& error) {
    fmt::print("{}: {}\n", client, error.what());
    to_client.abort();
  }
  std::fflush(stdout);
}

void serve(const Address& here, const Address& there) {
  weft::SignalReceiver stop({SIGINT, SIGTERM});
  weft::Server server = weft::start_server(
      [&there](StreamReader reader, StreamWriter writer) {
        forward(there, std::move(reader), std::move(writer));
      },
      here);
  fmt::print("{} leads to {}\n", server.local_address().to_string(), there.to_string());
  std::fflush(stdout);
  stop.wait();
  fmt::print("cut off: {}\n", server.drain(1s).size());
}

int main(int argc, char** argv) try {
  if (argc != 4) throw weft::ValueError("usage: port_forward PORT HOST PORT");
  const Address here = Address::ip("127.0.0.1", std::atoi(argv[1]));
  const Address there = Address::ip(argv[2], std::atoi(argv[3]));
  weft::run([&] { serve(here, there); });
} catch (const std::exception& error) {
  fmt::print(stderr, "port_forward: {}\n", error.what());
  return 2;
}
