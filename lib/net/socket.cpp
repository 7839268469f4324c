#include <weft/net/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/task/sleep.h>

#include "base/system.h"
#include "io/turns.h"
#include "io/vectors.h"
#include "net/calls.h"
#include "net/connect_limit.h"

namespace weft {

namespace {

using detail::ask;
using detail::bind_to;
using detail::raise_between;
using detail::raise_errno;
using detail::raise_error;
using detail::raise_for;
using detail::raise_here;
using detail::set_option;
using detail::system_address;
using detail::system_calls;
using detail::usable;
using detail::WatchedFd;
using detail::would_block;

/// Fails for what is no TCP socket, which needs none.
void send_without_delay(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// A Unix socket whose listener is busy cannot be waited for: it is tried again and again.
void connect_unix(WatchedFd& socket, const Address& address) {
  constexpr Duration kLongestPause = std::chrono::milliseconds(50);
  Duration pause = std::chrono::milliseconds(1);
  while (system_calls.connect(socket.get(), system_address(address), socklen_t(address.size())) !=
         0) {
    if (!would_block(errno) && errno != EINTR) raise_for("connect to", address);
    sleep(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

void connect_ip(WatchedFd& socket, const Address& address) {
  if (system_calls.connect(socket.get(), system_address(address), socklen_t(address.size())) == 0)
    return;
  if (errno != EINPROGRESS && errno != EINTR) raise_for("connect to", address);
  int error = 0;
  socklen_t size = sizeof error;
  // The edge that registering tells may be from before the connection was tried.
  for (;;) {
    socket.wait(Events::Writable, "connect");
    if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
      raise_errno("getsockopt SO_ERROR");
    if (error != 0) raise_error(error, "connect to " + address.to_string());
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer), &length) == 0) return;
  }
}

/// 0 if the system takes nothing.
std::size_t send_at_once(WatchedFd& socket, Pieces pieces) {
  if (pieces.empty()) return 0;
  detail::Vectors vectors(pieces);
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = std::size_t(vectors.size());
  for (;;) {
    const ssize_t count = pieces.size() == 1
                              ? system_calls.send(socket.get(), pieces[0].data(), pieces[0].size(),
                                                  detail::kSendFlags)
                              : system_calls.sendmsg(socket.get(), &message, detail::kSendFlags);
    if (count >= 0) return std::size_t(count);
    if (would_block(errno)) return 0;
    if (errno != EINTR) raise_between("send", "to", socket.get(), errno);
  }
}

}  // namespace

/// A read from a Unix socket ends where descriptors were sent, and more may have come behind them.
Socket::Socket(FileDescriptor fd, bool is_unix)
    : watched_(std::make_unique<WatchedFd>(std::move(fd))) {
  if (is_unix) watched_->keep_boundaries();
}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Socket Socket::connect(const Address& address, const ConnectOptions& options) {
  Socket socket(detail::open_socket_for(address, SOCK_STREAM), address.family() == Family::Unix);
  send_without_delay(socket.fd());
  if (options.local_address) bind_to(socket.fd(), *options.local_address);
  const auto attempt = [&] {
    if (address.family() == Family::Unix)
      connect_unix(*socket.watched_, address);
    else
      connect_ip(*socket.watched_, address);
  };
  detail::connect_within(options.timeout, [&] { return address.to_string(); }, attempt);
  return socket;
}

Socket Socket::listen(const Address& address, const ListenOptions& options) {
  if (options.backlog < 0)
    throw ValueError(fmt::format("backlog: {} is negative", options.backlog));
  FileDescriptor fd = detail::open_socket_for(address, SOCK_STREAM);
  if (address.family() != Family::Unix)
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (options.reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (options.ipv6_only && address.family() == Family::IPv6)
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  bind_to(fd.get(), address);
  if (system_calls.listen(fd.get(), options.backlog) != 0) raise_for("listen on", address);
  return Socket(std::move(fd), address.family() == Family::Unix);
}

std::pair<Socket, Socket> Socket::pair() {
  int ends[2];
  if (detail::open_socket_pair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) raise_errno("socketpair");
  FileDescriptor first(ends[0]);
  FileDescriptor second(ends[1]);
  return {Socket(std::move(first), true), Socket(std::move(second), true)};
}

Socket Socket::adopt(FileDescriptor fd) {
  detail::make_nonblocking(fd.get());
  send_without_delay(fd.get());
  const std::optional<Address> address = ask(::getsockname, fd.get());
  return Socket(std::move(fd), address && address->family() == Family::Unix);
}

// What waits holds on to the WatchedFd: the Socket may be moved meanwhile.

Socket Socket::accept() {
  WatchedFd& socket = usable(watched_, Events::Readable, "accept");
  for (;;) {
    detail::count_call();
    FileDescriptor fd(system_calls.accept(socket.get(), nullptr, nullptr));
    if (fd) {
      send_without_delay(fd.get());
      return Socket(std::move(fd), socket.keeps_boundaries());
    }
    if (would_block(errno))
      socket.wait(Events::Readable, "accept");
    else if (errno != EINTR && errno != ECONNABORTED)
      raise_here("accept", socket.get(), errno);
  }
}

std::size_t Socket::recv_into(std::span<std::byte> buffer) {
  if (buffer.empty()) throw ValueError("buffer: it is empty");
  WatchedFd& socket = usable(watched_, Events::Readable, "recv");
  if (socket.is_drained()) socket.wait(Events::Readable, "recv");
  for (;;) {
    detail::count_call();
    const ssize_t count = system_calls.recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (count >= 0) {
      if (count > 0 && std::size_t(count) < buffer.size()) socket.drained();
      return std::size_t(count);
    }
    if (would_block(errno))
      socket.wait(Events::Readable, "recv");
    else if (errno != EINTR)
      raise_between("recv", "from", socket.get(), errno);
  }
}

std::string Socket::recv(std::size_t at_most) {
  if (at_most == 0) throw ValueError("at_most: it is 0");
  std::string data(at_most, '\0');
  data.resize(recv_into(std::span<char>(data)));
  return data;
}

std::size_t Socket::send(std::span<const std::byte> data) {
  WatchedFd& socket = usable(watched_, Events::Writable, "send");
  for (;;) {
    detail::count_call();
    const ssize_t count =
        system_calls.send(socket.get(), data.data(), data.size(), detail::kSendFlags);
    if (count >= 0) return std::size_t(count);
    if (would_block(errno))
      socket.wait(Events::Writable, "send");
    else if (errno != EINTR)
      raise_between("send", "to", socket.get(), errno);
  }
}

std::size_t Socket::send(Pieces pieces) {
  WatchedFd& socket = usable(watched_, Events::Writable, "send");
  const bool none =
      std::ranges::all_of(pieces, [](std::string_view piece) { return piece.empty(); });
  for (;;) {
    detail::count_call();
    if (const std::size_t count = send_at_once(socket, pieces); count > 0 || none) return count;
    socket.wait(Events::Writable, "send");
  }
}

std::size_t Socket::try_send(Pieces pieces) {
  return send_at_once(usable(watched_, Events::Writable, "send"), pieces);
}

void Socket::send_all(std::span<const std::byte> data) {
  while (!data.empty()) data = data.subspan(send(data));
}

void Socket::shutdown_write() {
  if (::shutdown(fd(), SHUT_WR) != 0) raise_errno("shutdown");
}

void Socket::close() noexcept {
  if (watched_) watched_->close();
}

bool Socket::closed() const noexcept { return !watched_ || watched_->closed(); }

void Socket::set_reset_on_close(bool on) {
  const linger value{on ? 1 : 0, 0};
  if (setsockopt(fd(), SOL_SOCKET, SO_LINGER, &value, sizeof value) != 0)
    raise_errno("setsockopt SO_LINGER");
}

Address Socket::local_address() const {
  if (const std::optional<Address> address = ask(::getsockname, fd())) return *address;
  raise_errno("getsockname");
}

Address Socket::peer_address() const {
  if (const std::optional<Address> address = ask(::getpeername, fd())) return *address;
  raise_errno("getpeername");
}

int Socket::fd() const noexcept { return watched_ ? watched_->get() : -1; }

}  // namespace weft
