#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <weft/net/socket_stream.h>
#include <weft/net/streams.h>
#include <weft/sync/event.h>

#include "../waiting/cases.h"
#include "../waiting/streams.h"
#include "sockets.h"
#include "waiting_subjects.h"

using namespace weft;
using namespace std::chrono_literals;

namespace {

// ---- sockets

struct Ends {
  Connection ends{};
  void again() { ends = Connection(); }
  void fail() { ends.client.close(); }
};

struct Receiving : Ends {
  void wake() { ends.server.send_all(std::string_view("here")); }
};

struct Recv : Receiving {
  std::string wait() { return ends.client.recv(100); }
};

struct RecvInto : Receiving {
  std::string wait() {
    std::string data(100, '\0');
    data.resize(ends.client.recv_into(std::span<char>(data)));
    return data;
  }
};

struct Sending : Ends {
  Sending() { fill(ends.client); }
  void again() {
    Ends::again();
    fill(ends.client);
  }
  void wake() { ends.server.recv(std::size_t{1} << 20); }
};

struct Send : Sending {
  std::size_t wait() { return ends.client.send("x"); }
};

struct SendPieces : Sending {
  std::size_t wait() {
    const std::string_view pieces[] = {"x", "y"};
    return ends.client.send(Pieces(pieces));
  }
};

struct SendAll : Sending {
  void wait() { ends.client.send_all(std::string_view("x")); }
};

/// A Unix socket that listens. Connections of the system's own making do not wait.
struct Listening {
  std::string path = '\0' + unused_name();
  Address address = Address::unix_path(path);
  Socket listener = Socket::listen(address, {.backlog = 0});
  std::vector<FileDescriptor> clients{};

  /// False if there is no room for one.
  bool connect() {
    FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto* name = static_cast<const sockaddr*>(address.data());
    if (::connect(fd.get(), name, socklen_t(address.size())) != 0) return false;
    clients.push_back(std::move(fd));
    return true;
  }
  void make_room() const {
    const FileDescriptor accepted(::accept(listener.fd(), nullptr, nullptr));
    CHECK(accepted);
  }
};

struct Accept : Listening {
  void wait() { listener.accept(); }
  void wake() { CHECK(connect()); }
  void fail() { listener.close(); }
  void again() {
    if (listener.closed()) listener = Socket::listen(address);
  }
};

/// Its queue is full.
struct Crowded : Listening {
  Crowded() { again(); }
  void again() {
    if (listener.closed()) listener = Socket::listen(address, {.backlog = 0});
    while (connect()) {
    }
  }
  void wake() const {
    make_room();
    waiting::clock().advance(1h);  // it tries again some milliseconds later
  }
  void fail() {
    listener.close();
    waiting::clock().advance(1h);
  }
};

/// An error names the address, which is another one each time.
template <class F>
void without_address(F&& connect) {
  try {
    connect();
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "connect");
  }
}

struct Connect : Crowded {
  void wait() const {
    without_address([&] { Socket::connect(address); });
  }
};

struct ConnectWithLimit : Crowded {
  void wait() const {
    without_address([&] { Socket::connect(address, {.timeout = 1000h}); });
  }
};

struct OpenConnection : Crowded {
  void wait() const {
    without_address([&] { open_connection(address); });
  }
};

struct OpenUnixConnection : Crowded {
  void wait() const {
    without_address([&] { open_unix_connection(path); });
  }
};

struct Sockets {
  static auto make() { return SocketStream::pair(); }
};

// ---- servers

/// A server with a connection that goes on until it is let go.
struct Serving {
  Event let_go{};
  std::optional<Server> server{};
  std::optional<Socket> client{};
  Serving() { serve(); }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() { end(); }

  void serve() {
    const Address address = free_address(Kind::Abstract);
    server = start_server([this](StreamReader, StreamWriter) { let_go.wait(); }, address);
    client = Socket::connect(address);
    testing::settle();
  }
  void end() {
    if (!server) return;
    server->close();
    let_go.set();
    server->abort_clients();
  }
  void again() {
    end();
    server->wait_closed();
    let_go.clear();
    serve();
  }
  void wake() { let_go.set(); }
};

struct WaitClosed : Serving {
  void wait() {
    server->close();
    server->wait_closed();
  }
};

struct ServerDrain : Serving {
  std::size_t wait() { return server->drain(100h).size(); }
};

struct ServeForever : Serving {
  void wait() { server->serve_forever(); }
  void wake() {
    server->close();
    let_go.set();
  }
  void cancelled() const { CHECK_FALSE(server->is_serving()); }
};

}  // namespace

const std::vector<waiting::Row>& waiting::rows() {
  static const std::string kClosed = "the descriptor was closed meanwhile: Bad file descriptor')";
  static const Traits kReceives{
      .gives = "here", .fails = "std::system_error('recv: " + kClosed, .keeps = Keeps::Always};
  static const Traits kSends{
      .gives = "1", .fails = "std::system_error('send: " + kClosed, .keeps = Keeps::Always};
  static const Traits kSendsAll{.fails = kSends.fails, .keeps = Keeps::Always};
  static const Traits kConnects{.fails = "std::system_error('connect: Connection refused')",
                                .keeps = Keeps::Always};
  static const std::string kNoPeer = "std::system_error('send on unix:: Broken pipe')";
  static const Traits kAlways{.keeps = Keeps::Always};
  static const auto gai_error = [](const std::string& what) {
    return "weft::GaiError('" + what + ": " + gai_strerror(EAI_AGAIN) + "')";
  };
  static const Traits kReceivesMessage{
      .gives = "here", .fails = "std::system_error('recv_from: " + kClosed, .keeps = Keeps::Always};
  static const std::string kNoSocket = "the socket is closed: Bad file descriptor')";
  static const std::vector<Row> rows = {
      row<Recv>("Socket::recv()", kReceives),
      row<RecvInto>("Socket::recv_into()", kReceives),
      row<Send>("Socket::send()", kSends),
      row<SendPieces>("Socket::send() of pieces",
                      {.gives = "2", .fails = kSends.fails, .keeps = Keeps::Always}),
      row<SendAll>("Socket::send_all()", kSendsAll),
      row<Accept>("Socket::accept()",
                  {.fails = "std::system_error('accept: " + kClosed, .keeps = Keeps::Always}),
      row<Connect>("Socket::connect()", kConnects),
      row<ConnectWithLimit>("Socket::connect() with a limit", kConnects),
      row<OpenConnection>("open_connection()", kConnects),
      row<OpenUnixConnection>("open_unix_connection()", kConnects),
      row<ReadSome<Sockets>>("ByteStream::read_some() of a socket", kReceives),
      row<WriteSome<Sockets>>("ByteStream::write_some() to a socket",
                              {.gives = "1", .fails = kNoPeer, .keeps = Keeps::Always}),
      row<WriteAll<Sockets>>("ByteStream::write_all() to a socket",
                             {.fails = kNoPeer, .keeps = Keeps::Always}),
      row<WaitClosed>("Server::wait_closed()", kAlways),
      row<ServerDrain>("Server::drain()", {.gives = "0", .keeps = Keeps::Always}),
      row<ServeForever>("Server::serve_forever()", {}),
      row<HostLookup>("getaddrinfo()",
                      {.gives = "127.0.0.1:80",
                       .fails = gai_error("getaddrinfo for host 'host', service '80'")}),
      row<NameLookup>("getnameinfo()", {.gives = "127.0.0.1 80",
                                        .fails = gai_error("getnameinfo for 127.0.0.1:80")}),
      row<ServerOfHost>("start_server() of a host",
                        {.fails = gai_error("getaddrinfo for host 'host', service '0'")}),
      row<ConnectToHost>("connect_to_host()", {}),
      row<RecvFrom>("DatagramSocket::recv_from()", kReceivesMessage),
      row<RecvFromInto>("DatagramSocket::recv_from_into()", kReceivesMessage),
      row<RecvMessage>("DatagramSocket::recv()", kReceivesMessage),
      row<SendTo>("DatagramSocket::send_to()",
                  {.fails = "std::system_error('send_to: " + kNoSocket, .keeps = Keeps::Always}),
      row<SendMessage>("DatagramSocket::send()",
                       {.fails = "std::system_error('send: " + kNoSocket, .keeps = Keeps::Always}),
      row<RecvFds>("recv_fds()", {.gives = "here1",
                                  .fails = "std::system_error('recv_fds: " + kClosed,
                                  .keeps = Keeps::Always}),
      row<SendFds>("send_fds()", {.gives = "4",
                                  .fails = "std::system_error('send_fds: " + kClosed,
                                  .keeps = Keeps::Always}),
  };
  return rows;
}
