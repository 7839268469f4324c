#include <weft/net/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/task/sleep.h>
#include <weft/task/timeout.h>

#include "base/system.h"

namespace weft {

namespace {

using detail::raise_errno;
using detail::raise_error;
using detail::system_calls;
using detail::WatchedFd;

constexpr int kStream = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

const sockaddr* system_address(const Address& address) noexcept {
  return static_cast<const sockaddr*>(address.data());
}

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

void set_option(int fd, int level, int option, int value, const char* name) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0)
    raise_errno(fmt::format("setsockopt {}", name));
}

/// Fails for what is no TCP socket, which needs none.
void send_without_delay(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

FileDescriptor open_stream(const Address& address) {
  int domain = AF_UNSPEC;
  switch (address.family()) {
    case Family::IPv4:
      domain = AF_INET;
      break;
    case Family::IPv6:
      domain = AF_INET6;
      break;
    case Family::Unix:
      domain = AF_UNIX;
      break;
    case Family::None:
      throw ValueError("address: it is empty");
  }
  FileDescriptor fd(system_calls.socket(domain, kStream, 0));
  if (!fd) raise_errno("socket for " + address.to_string());
  return fd;
}

/// A Unix socket whose listener is busy cannot be waited for: it is tried again and again.
void connect_unix(WatchedFd& socket, const Address& address) {
  constexpr Duration kLongestPause = std::chrono::milliseconds(50);
  Duration pause = std::chrono::milliseconds(1);
  while (system_calls.connect(socket.get(), system_address(address),
                              socklen_t(address.size())) != 0) {
    if (!would_block(errno) && errno != EINTR) raise_errno("connect to " + address.to_string());
    sleep(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

void connect_ip(WatchedFd& socket, const Address& address) {
  if (system_calls.connect(socket.get(), system_address(address), socklen_t(address.size())) == 0)
    return;
  if (errno != EINPROGRESS && errno != EINTR) raise_errno("connect to " + address.to_string());
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

template <class Call>
Address address_from(Call call, int fd, const char* name) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (call(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) raise_errno(name);
  return Address::from_system(&storage, size);
}

/// For messages: the peer, if it can still be told.
std::string peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return " " + Address::from_system(&storage, size).to_string();
}

}  // namespace

Socket::Socket(FileDescriptor fd) : watched_(std::make_unique<WatchedFd>(std::move(fd))) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Socket Socket::connect(const Address& address, const ConnectOptions& options) {
  Socket socket(open_stream(address));
  send_without_delay(socket.fd());
  const auto attempt = [&] {
    if (address.family() == Family::Unix)
      connect_unix(*socket.watched_, address);
    else
      connect_ip(*socket.watched_, address);
  };
  if (!options.timeout) {
    attempt();
    return socket;
  }
  const Duration limit = *options.timeout;
  Timeout scope(saturating_add(now(), limit));
  try {
    detail::run_under(scope, attempt);
  } catch (const TimeoutError& error) {
    if (!scope.expired()) throw;
    TimeoutError named(fmt::format("connect to {}: no answer within {} ms", address.to_string(),
                                   std::chrono::ceil<std::chrono::milliseconds>(limit).count()));
    named.set_cause(error.cause());
    throw named;
  }
  return socket;
}

Socket Socket::listen(const Address& address, const ListenOptions& options) {
  if (options.backlog < 0)
    throw ValueError(fmt::format("backlog: {} is negative", options.backlog));
  FileDescriptor fd = open_stream(address);
  if (address.family() != Family::Unix)
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (options.reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (system_calls.bind(fd.get(), system_address(address), socklen_t(address.size())) != 0)
    raise_errno("bind to " + address.to_string());
  if (system_calls.listen(fd.get(), options.backlog) != 0)
    raise_errno("listen on " + address.to_string());
  return Socket(std::move(fd));
}

std::pair<Socket, Socket> Socket::pair() {
  int ends[2];
  if (socketpair(AF_UNIX, kStream, 0, ends) != 0) raise_errno("socketpair");
  FileDescriptor first(ends[0]);
  FileDescriptor second(ends[1]);
  return {Socket(std::move(first)), Socket(std::move(second))};
}

Socket Socket::adopt(FileDescriptor fd) {
  detail::make_nonblocking(fd.get());
  send_without_delay(fd.get());
  return Socket(std::move(fd));
}

Socket Socket::accept() {
  for (;;) {
    if (closed()) raise_error(EBADF, "accept: the socket is closed");
    FileDescriptor fd(
        system_calls.accept4(watched_->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      send_without_delay(fd.get());
      return Socket(std::move(fd));
    }
    if (would_block(errno))
      watched_->wait(Events::Readable, "accept");
    else if (errno != EINTR && errno != ECONNABORTED)
      raise_errno("accept on " + local_address().to_string());
  }
}

std::size_t Socket::recv_into(std::span<std::byte> buffer) {
  if (buffer.empty()) throw ValueError("buffer: it is empty");
  if (watched_->is_drained()) watched_->wait(Events::Readable, "recv");
  for (;;) {
    if (closed()) raise_error(EBADF, "recv: the socket is closed");
    const ssize_t count = system_calls.recv(watched_->get(), buffer.data(), buffer.size(), 0);
    if (count >= 0) {
      if (count > 0 && std::size_t(count) < buffer.size()) watched_->drained();
      return std::size_t(count);
    }
    if (would_block(errno))
      watched_->wait(Events::Readable, "recv");
    else if (errno != EINTR)
      raise_errno("recv from" + peer_of(watched_->get()));
  }
}

std::string Socket::recv(std::size_t at_most) {
  std::string data(at_most, '\0');
  data.resize(recv_into(std::span<char>(data)));
  return data;
}

std::size_t Socket::send(std::span<const std::byte> data) {
  for (;;) {
    if (closed()) raise_error(EBADF, "send: the socket is closed");
    const ssize_t count = system_calls.send(watched_->get(), data.data(), data.size(), MSG_NOSIGNAL);
    if (count >= 0) return std::size_t(count);
    if (would_block(errno))
      watched_->wait(Events::Writable, "send");
    else if (errno != EINTR)
      raise_errno("send to" + peer_of(watched_->get()));
  }
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

Address Socket::local_address() const { return address_from(::getsockname, fd(), "getsockname"); }
Address Socket::peer_address() const { return address_from(::getpeername, fd(), "getpeername"); }

int Socket::fd() const noexcept { return watched_ ? watched_->get() : -1; }

}  // namespace weft
