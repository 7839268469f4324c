// A server over TLS that sends back what it gets. usage: tls_server PORT
#include <memory>
#include <span>
#include <string_view>

#include <weft/tls.h>
#include <weft/weft.h>

#include "measure.h"

[[gnu::noinline]] bool answer(weft::ByteStream& client, std::span<char> buffer) {
  const std::size_t got = client.read_some(buffer);
  if (got > 0) client.write_all(std::string_view(buffer.data(), got));
  return got > 0;
}

void serve(weft::Socket socket, const weft::TlsContext& context) try {
  const auto client =
      weft::wrap_server(std::make_shared<weft::SocketStream>(std::move(socket)), context);
  char buffer[16384];
  while (answer(*client, buffer)) {
  }
} catch (const std::system_error&) {  // the load resets its connections when it ends
}

int main(int count, char** arguments) {
  require(count == 2);
  const auto context = weft::TlsContext::server({.identity = weft::make_certificate()});
  weft::run([&] {
    const auto port = std::uint16_t(std::atoi(arguments[1]));
    weft::Socket listener = weft::Socket::listen(weft::Address::ip("0.0.0.0", port));
    for (;;) weft::create_task(serve, listener.accept(), context);
  });
}
