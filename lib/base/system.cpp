#include "base/system.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace weft::detail {

SystemCalls system_calls{open_socket, ::bind,  ::listen,  ::connect,     accept_socket,
                         ::recv,      ::send,  ::read,    ::write,       ::writev,
                         ::sendmsg,   ::close, ::recvmsg, ::getaddrinfo, ::getnameinfo};

void raise_error(int error, const std::string& call_and_detail) {
  throw std::system_error(error, std::generic_category(), call_and_detail);
}

void raise_errno(const std::string& call_and_detail) { raise_error(errno, call_and_detail); }

void make_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
    raise_errno("fcntl");
}

}  // namespace weft::detail
