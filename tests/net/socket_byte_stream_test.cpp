// Sockets as streams: what holds of every ByteStream.
#include <cerrno>

#include <weft/io/byte_stream.h>
#include <weft/net/socket_stream.h>

#include "sockets.h"

namespace {

template <Kind kind>
struct Sockets {
  static std::pair<std::unique_ptr<weft::SocketStream>, std::unique_ptr<weft::SocketStream>>
  make() {
    Connection both(kind);
    return {std::make_unique<weft::SocketStream>(std::move(both.client)),
            std::make_unique<weft::SocketStream>(std::move(both.server))};
  }
  static void lose(weft::ByteStream& end) {
    auto& stream = dynamic_cast<weft::SocketStream&>(end);
    if (kind == Kind::IPv4) stream.socket().set_reset_on_close(true);
    stream.close();
  }
  static constexpr int kAfterLoss = kind == Kind::IPv4 ? ECONNRESET : 0;
};
using Tcp = Sockets<Kind::IPv4>;
using UnixSockets = Sockets<Kind::Pair>;

}  // namespace

#define STREAM_KINDS Tcp, UnixSockets
#include "../io/stream_contract.h"

TEST_SUITE_BEGIN("SocketStream");

TEST_CASE("its peer's name is the address, if it has one") {
  weft::testing::run([] {
    Connection both(Kind::IPv4);
    const std::string name = both.client.peer_address().to_string();
    const weft::SocketStream stream(std::move(both.client));
    CHECK(stream.peer_name() == name);
    CHECK(weft::SocketStream::pair().first->peer_name().empty());
  });
}

TEST_SUITE_END();
