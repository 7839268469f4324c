// Sockets where each has to be told what it is to be: macOS.
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/system.h"

namespace weft::detail {

namespace {

/// Returns `fd`; or closes it, and returns -1 with errno.
int prepared(int fd) noexcept {
  if (fd == -1) return -1;
  const int on = 1;
  const int flags = fcntl(fd, F_GETFL);
  if (flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
      fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0)
    return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

}  // namespace

const int kSendFlags = 0;
const int kRecvFlags = 0;

int open_socket(int domain, int type, int protocol) noexcept {
  return prepared(::socket(domain, type, protocol));
}

int accept_socket(int fd, sockaddr* address, socklen_t* size) noexcept {
  return prepared(::accept(fd, address, size));
}

int open_socket_pair(int domain, int type, int protocol, int ends[2]) noexcept {
  if (::socketpair(domain, type, protocol, ends) != 0) return -1;
  const bool first = prepared(ends[0]) != -1;
  const bool second = prepared(ends[1]) != -1;
  if (first && second) return 0;
  const int error = errno;
  if (first) ::close(ends[0]);
  if (second) ::close(ends[1]);
  errno = error;
  return -1;
}

int open_pipe(int ends[2]) noexcept {
  if (::pipe(ends) != 0) return -1;
  if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0)
    return 0;
  const int error = errno;
  ::close(ends[0]);
  ::close(ends[1]);
  errno = error;
  return -1;
}

}  // namespace weft::detail
