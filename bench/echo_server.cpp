// A server that sends back what it gets. usage: echo_server PORT
#include <string_view>

#include <weft/weft.h>

#include "measure.h"

[[gnu::noinline]] bool answer(weft::Socket& client, std::span<char> buffer) {
  const std::size_t got = client.recv_into(buffer);
  if (got > 0) client.send_all(std::string_view(buffer.data(), got));
  return got > 0;
}

void serve(weft::Socket client) try {
  char buffer[16384];
  while (answer(client, buffer)) {
  }
} catch (const std::system_error&) {  // the load resets its connections when it ends
}

int main(int count, char** arguments) {
  require(count == 2);
  weft::run([&] {
    const auto port = std::uint16_t(std::atoi(arguments[1]));
    weft::Socket listener = weft::Socket::listen(weft::Address::ip("0.0.0.0", port));
    for (;;) weft::create_task(serve, listener.accept());
  });
}
