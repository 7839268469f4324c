#include <weft/net/datagram.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/task/sleep.h>

#include "base/system.h"
#include "io/turns.h"
#include "net/calls.h"

namespace weft {

using detail::system_calls;
using detail::WatchedFd;

DatagramSocket::DatagramSocket(FileDescriptor fd, bool is_unix)
    : watched_(std::make_unique<WatchedFd>(std::move(fd))), is_unix_(is_unix) {}
DatagramSocket::DatagramSocket(DatagramSocket&&) noexcept = default;
DatagramSocket& DatagramSocket::operator=(DatagramSocket&&) noexcept = default;
DatagramSocket::~DatagramSocket() = default;

DatagramSocket open_datagram(const std::optional<Address>& local,
                             const std::optional<Address>& remote, const DatagramOptions& options) {
  if (!local && !remote) throw ValueError("local: neither it nor remote is given");
  if (local && remote && local->family() != remote->family())
    throw ValueError(fmt::format("remote: {} is of another family than {}", remote->to_string(),
                                 local->to_string()));
  const Address& either = local ? *local : *remote;
  FileDescriptor fd = detail::open_socket_for(either, SOCK_DGRAM);
  if (options.reuse_port) detail::set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (options.allow_broadcast)
    detail::set_option(fd.get(), SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST");
  if (options.ipv6_only && either.family() == Family::IPv6)
    detail::set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  if (local) detail::bind_to(fd.get(), *local);
  if (remote && system_calls.connect(fd.get(), detail::system_address(*remote),
                                     socklen_t(remote->size())) != 0)
    detail::raise_for("connect to", *remote);
  return DatagramSocket(std::move(fd), either.family() == Family::Unix);
}

DatagramSocket::Received DatagramSocket::recv_from_into(std::span<std::byte> buffer) {
  WatchedFd& socket = detail::usable(watched_, Events::Readable, "recv_from");
  iovec vector{buffer.data(), buffer.size()};
  for (;;) {
    detail::count_call();
    sockaddr_storage sender{};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    const ssize_t count = system_calls.recvmsg(socket.get(), &message, detail::kRecvFlags);
    const bool named = message.msg_namelen > sizeof(sa_family_t);
    if (count >= 0)
      return {.size = std::size_t(count),
              .sender = named ? Address::from_system(&sender, message.msg_namelen) : Address(),
              .truncated = (message.msg_flags & MSG_TRUNC) != 0};
    if (detail::would_block(errno))
      socket.wait(Events::Readable, "recv_from");
    else if (errno != EINTR)
      detail::raise_between("recv", "from", socket.get(), errno);
  }
}

Datagram DatagramSocket::recv_from(std::size_t at_most) {
  Datagram datagram{.data = std::string(at_most, '\0'), .sender = {}};
  const Received received = recv_from_into(std::span<char>(datagram.data));
  datagram.data.resize(received.size);
  datagram.sender = received.sender;
  datagram.truncated = received.truncated;
  return datagram;
}

std::string DatagramSocket::recv(std::size_t at_most) {
  Datagram datagram = recv_from(at_most);
  if (datagram.truncated)
    detail::raise_error(EMSGSIZE, fmt::format("recv from {}: the message is longer than {} bytes",
                                              datagram.sender.to_string(), at_most));
  return std::move(datagram.data);
}

namespace {

/// For `socket` to take another message. Of a Unix socket it is the receiver's queue that is full,
/// which no descriptor of this side tells: it is tried again and again.
void wait_for_room(WatchedFd& socket, bool is_unix, Duration& pause, const char* call) {
  constexpr Duration kLongestPause = std::chrono::milliseconds(50);
  if (!is_unix) return socket.wait(Events::Writable, call);
  sleep(pause);
  pause = std::min(2 * pause, kLongestPause);
  if (socket.closed()) detail::raise_closed(call);
}

}  // namespace

void DatagramSocket::send_message(std::span<const std::byte> data, const Address* address) {
  const char* const call = address ? "send_to" : "send";
  WatchedFd& socket = detail::usable(watched_, Events::Writable, call);
  Duration pause = std::chrono::milliseconds(1);
  iovec vector{const_cast<std::byte*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (address) {
    message.msg_name = const_cast<void*>(address->data());
    message.msg_namelen = socklen_t(address->size());
  }
  for (;;) {
    detail::count_call();
    if (system_calls.sendmsg(socket.get(), &message, detail::kSendFlags) >= 0) return;
    if (detail::would_block(errno))
      wait_for_room(socket, is_unix_, pause, call);
    else if (errno != EINTR && address)
      detail::raise_for("send to", *address);
    else if (errno != EINTR)
      detail::raise_between("send", "to", socket.get(), errno);
  }
}

void DatagramSocket::send_to(std::span<const std::byte> data, const Address& address) {
  if (address.family() == Family::None) throw ValueError("address: it is empty");
  send_message(data, &address);
}

void DatagramSocket::send(std::span<const std::byte> data) { send_message(data, nullptr); }

void DatagramSocket::close() noexcept {
  if (watched_) watched_->close();
}

bool DatagramSocket::closed() const noexcept { return !watched_ || watched_->closed(); }

Address DatagramSocket::local_address() const {
  if (const std::optional<Address> address = detail::ask(::getsockname, fd())) return *address;
  detail::raise_errno("getsockname");
}

Address DatagramSocket::peer_address() const {
  if (const std::optional<Address> address = detail::ask(::getpeername, fd())) return *address;
  detail::raise_errno("getpeername");
}

int DatagramSocket::fd() const noexcept { return watched_ ? watched_->get() : -1; }

}  // namespace weft
