// TLS as a stream: what holds of every ByteStream.
#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../net/sockets.h"
#include "ends.h"

namespace {

using weft::TlsVersion;

weft::TlsContext client_of(TlsVersion version) {
  return client_context([=](weft::TlsClientOptions& options) { options.most = version; });
}

template <TlsVersion version>
struct OverMemory {
  static Ends make() {
    static const weft::TlsContext client = client_of(version);
    return make_ends(weft::MemoryStream::pair(5000), client, server_context());
  }
  static void lose(weft::ByteStream& end) {
    auto& below = dynamic_cast<weft::TlsStream&>(end).transport();
    dynamic_cast<weft::MemoryStream&>(below).reset();
  }
  static constexpr int kAfterLoss = ECONNRESET;
};

template <Kind kind>
struct OverSocket {
  static Ends make() {
    Connection both(kind);
    return make_ends(std::pair(std::make_unique<weft::SocketStream>(std::move(both.client)),
                               std::make_unique<weft::SocketStream>(std::move(both.server))),
                     client_context(), server_context());
  }
  static void lose(weft::ByteStream& end) {
    auto& below = dynamic_cast<weft::TlsStream&>(end).transport();
    if (kind == Kind::IPv4)
      dynamic_cast<weft::SocketStream&>(below).socket().set_reset_on_close(true);
    below.close();
  }
  /// An end that nobody has announced is none.
  static constexpr int kAfterLoss =
      kind == Kind::IPv4 ? ECONNRESET
                         : ERR_PACK(ERR_LIB_SSL, 0, SSL_R_UNEXPECTED_EOF_WHILE_READING);
  static constexpr bool kWritesBehind = true;
};

using Memory = OverMemory<TlsVersion::Tls13>;
using Memory12 = OverMemory<TlsVersion::Tls12>;
using Tcp = OverSocket<Kind::IPv4>;
using UnixSockets = OverSocket<Kind::Pair>;

}  // namespace

#define STREAM_KINDS Memory, Memory12, Tcp, UnixSockets
#include "../io/stream_contract.h"
