// Sockets where flags say what they are to be: Linux and the BSDs.
#include <fcntl.h>
#include <unistd.h>

#include "base/system.h"

namespace weft::detail {

const int kSendFlags = MSG_NOSIGNAL;
const int kRecvFlags = MSG_CMSG_CLOEXEC;

int open_socket(int domain, int type, int protocol) noexcept {
  return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int accept_socket(int fd, sockaddr* address, socklen_t* size) noexcept {
  return ::accept4(fd, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int open_socket_pair(int domain, int type, int protocol, int ends[2]) noexcept {
  return ::socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, ends);
}

int open_pipe(int ends[2]) noexcept { return ::pipe2(ends, O_CLOEXEC); }

}  // namespace weft::detail
