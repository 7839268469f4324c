#include <weft/net/send_fds.h>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <weft/base/errors.h>

#include "base/system.h"
#include "io/turns.h"
#include "net/calls.h"

namespace weft {

namespace {

using detail::system_calls;
using detail::WatchedFd;

void check_count(const char* argument, std::size_t count) {
  if (count > kMostFds)
    throw ValueError(fmt::format("{}: {} are more than {}", argument, count, kMostFds));
}

/// Room for one message with so many descriptors, and no more.
class Control {
 public:
  explicit Control(std::size_t fds) : bytes_(CMSG_SPACE(fds * sizeof(int))), fds_(fds) {}

  void attach(msghdr& message) {
    message.msg_control = bytes_.data();
    message.msg_controllen = CMSG_LEN(fds_ * sizeof(int));
  }

 private:
  std::vector<char> bytes_;  // as aligned as any object
  std::size_t fds_;
};

/// Owns them from here on. `fds` has room.
void take_fds(msghdr& message, std::vector<FileDescriptor>& fds) noexcept {
  for (cmsghdr* it = CMSG_FIRSTHDR(&message); it; it = CMSG_NXTHDR(&message, it)) {
    if (it->cmsg_level != SOL_SOCKET || it->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (it->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(it) + i * sizeof fd, sizeof fd);
      if (detail::kRecvFlags == 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

std::size_t send_fds(Socket& socket, std::string_view data, std::span<const int> fds) {
  if (data.empty()) throw ValueError("data: it is empty, and descriptors travel with a byte");
  check_count("fds", fds.size());
  if (fds.empty()) return socket.send(data);
  WatchedFd& watched = detail::usable(socket.watched(), Events::Writable, "send_fds");
  iovec vector{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  Control control(fds.size());
  control.attach(message);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  for (;;) {
    detail::count_call();
    const ssize_t count = system_calls.sendmsg(watched.get(), &message, detail::kSendFlags);
    if (count >= 0) return std::size_t(count);
    if (detail::would_block(errno))
      watched.wait(Events::Writable, "send_fds");
    else if (errno != EINTR)
      detail::raise_between("send_fds", "to", watched.get(), errno);
  }
}

ReceivedFds recv_fds(Socket& socket, std::size_t at_most, std::size_t max_fds) {
  if (at_most == 0) throw ValueError("at_most: it is 0");
  if (max_fds == 0) throw ValueError("max_fds: it is 0");
  check_count("max_fds", max_fds);
  WatchedFd& watched = detail::usable(socket.watched(), Events::Readable, "recv_fds");
  ReceivedFds received;
  received.data.resize(at_most);
  received.fds.reserve(max_fds);
  Control control(max_fds);
  iovec vector{received.data.data(), at_most};
  for (;;) {
    detail::count_call();
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    control.attach(message);
    const ssize_t count = system_calls.recvmsg(watched.get(), &message, detail::kRecvFlags);
    if (count >= 0) {
      take_fds(message, received.fds);
      received.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
      if (received.truncated) received.fds.clear();
      received.data.resize(std::size_t(count));
      return received;
    }
    if (detail::would_block(errno))
      watched.wait(Events::Readable, "recv_fds");
    else if (errno != EINTR)
      detail::raise_between("recv_fds", "from", watched.get(), errno);
  }
}

}  // namespace weft
