#include <weft/net/socket_stream.h>

#include <system_error>

#include <sys/socket.h>

namespace weft {

std::pair<std::unique_ptr<SocketStream>, std::unique_ptr<SocketStream>> SocketStream::pair() {
  auto [a, b] = Socket::pair();
  return {std::make_unique<SocketStream>(std::move(a)),
          std::make_unique<SocketStream>(std::move(b))};
}

std::string SocketStream::peer_name() const {
  try {
    const Address peer = socket_.peer_address();
    return peer.size() <= sizeof(sa_family_t) ? std::string() : peer.to_string();  // unnamed
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace weft
