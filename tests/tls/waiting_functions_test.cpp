// What waits in TLS, put through the cases of ../waiting/cases.h.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/tls/stream.h>
#include <weft/tls/streams.h>

#include "../net/sockets.h"
#include "../waiting/cases.h"
#include "../waiting/streams.h"
#include "ends.h"

namespace {

using namespace waiting;

/// What is left to the tasks of a subject is done when this has returned.
void let_others_end() {
  if (detail::current_task_base() && std::uncaught_exceptions() == 0) testing::settle();
}

/// Has a task call `peer()`, which may find that the other side has gone.
template <class Peer>
void start_peer(Peer peer) {
  create_task([peer = std::move(peer)] {
    try {
      peer();
    } catch (const std::system_error&) {
      // it has
    }
  });
}

// ---- handshakes in memory

struct Silent {
  std::shared_ptr<MemoryStream> near, far;

  Silent() { again(); }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  ~Silent() { let_others_end(); }

  void again() {
    auto both = MemoryStream::pair();
    near = std::move(both.first);
    far = std::move(both.second);
  }
  void fail() const { far->close(); }
  void cancelled() const { CHECK(near->closed()); }
};

struct WrapClient : Silent {
  void wait() const { wrap_client(near, client_context(), "localhost"); }
  void wake() const {
    start_peer([it = far] { wrap_server(it, server_context()); });
  }
};

struct WrapServer : Silent {
  void wait() const { wrap_server(near, server_context()); }
  void wake() const {
    start_peer([it = far] { wrap_client(it, client_context(), "localhost"); });
  }
};

struct StartTls : Silent {
  void wait() const {
    start_tls({StreamReader(near), StreamWriter(near)}, client_context(),
              {.server_hostname = "localhost", .handshake_timeout = 1000h});
  }
  void wake() const {
    start_peer([it = far] { wrap_server(it, server_context()); });
  }
};

// ---- connections

struct Open {
  std::optional<Socket> listener, kept;

  Open() { again(); }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() { let_others_end(); }

  void again() {
    listener = Socket::listen(free_address(Kind::IPv4));
    kept.reset();
  }
  void wake() {
    start_peer([this] {
      wrap_server(std::make_shared<SocketStream>(listener->accept()), server_context());
    });
  }
  void fail() {
    kept = listener->accept();
    kept->send_all("HTTP/1.1 400 Bad Request\r\n\r\n");
  }
};

struct OpenAddress : Open {
  void wait() const {
    open_tls_connection(listener->local_address(), client_context(),
                        {.server_hostname = "localhost", .handshake_timeout = 1000h});
  }
};

struct OpenHost : Open {
  void wait() const {
    open_tls_connection("127.0.0.1", listener->local_address().port(), client_context(),
                        {.server_hostname = "localhost", .handshake_timeout = 1000h});
  }
};

// ---- streams

/// As StreamEnds wants them.
struct TlsPair {
  std::unique_ptr<TlsStream> first, second;

  explicit TlsPair(Ends ends) : first(std::move(ends.client)), second(std::move(ends.server)) {}
  TlsPair(TlsPair&&) noexcept = default;
  TlsPair& operator=(TlsPair&&) noexcept = default;
  ~TlsPair() {
    if (first) first->close();
    if (second) second->close();
    let_others_end();
  }
};

struct TlsKind {
  static TlsPair make() {
    return TlsPair(make_ends(MemoryStream::pair(5000), client_context(), server_context()));
  }
};

struct StreamWaitClosed {
  TlsPair ends = TlsKind::make();

  void wait() const { ends.first->wait_closed(); }
  void wake() const { ends.first->close(); }
  void again() { ends = TlsKind::make(); }
};

}  // namespace

const std::vector<waiting::Row>& waiting::rows() {
  static const Traits kShakesHands{
      .fails = "weft::TlsEofError('TLS handshake with localhost: unexpected eof while reading')"};
  static const Traits kConnects{
      .fails = "weft::TlsError('TLS handshake with localhost: wrong version number')"};
  static const std::string kNoPeer = "std::system_error('write to memory: Broken pipe')";
  static const std::vector<Row> rows = {
      row<WrapClient>("wrap_client()", kShakesHands),
      row<WrapServer>(
          "wrap_server()",
          {.fails = "weft::TlsEofError('TLS handshake: unexpected eof while reading')"}),
      row<StartTls>("start_tls()", kShakesHands),
      row<OpenAddress>("open_tls_connection()", kConnects),
      row<OpenHost>("open_tls_connection() to a host", kConnects),
      row<ReadSome<TlsKind>>(
          "ByteStream::read_some() of TLS",
          {.gives = "here",
           .fails = "std::system_error('read: the stream is closed: Bad file descriptor')",
           .keeps = Keeps::Always}),
      row<WriteSome<TlsKind>>("ByteStream::write_some() to TLS",
                              {.gives = "1", .fails = kNoPeer, .keeps = Keeps::Always}),
      row<WriteAll<TlsKind>>("ByteStream::write_all() to TLS",
                             {.fails = kNoPeer, .keeps = Keeps::Always}),
      row<StreamWaitClosed>("TlsStream::wait_closed()", {.keeps = Keeps::Always}),
  };
  return rows;
}
