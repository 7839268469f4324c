// The system calls that weft makes on descriptors, and those that look names up, in one table: what
// simulates or fails them replaces the entries. Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

namespace weft::detail {

/// Sockets that are made are close-on-exec and non-blocking, and writing to one whose peer has gone
/// is EPIPE without a signal. What the system offers for that is in system_flags.cpp (Linux and the
/// BSDs) or system_fcntl.cpp (macOS).
struct SystemCalls {
  int (*socket)(int, int, int);
  int (*bind)(int, const sockaddr*, socklen_t);
  int (*listen)(int, int);
  int (*connect)(int, const sockaddr*, socklen_t);
  int (*accept)(int, sockaddr*, socklen_t*);
  ssize_t (*recv)(int, void*, std::size_t, int);
  ssize_t (*send)(int, const void*, std::size_t, int);
  ssize_t (*read)(int, void*, std::size_t);
  ssize_t (*write)(int, const void*, std::size_t);
  ssize_t (*writev)(int, const iovec*, int);
  ssize_t (*sendmsg)(int, const msghdr*, int);
  int (*close)(int);
  ssize_t (*recvmsg)(int, msghdr*, int);
  int (*getaddrinfo)(const char*, const char*, const addrinfo*, addrinfo**);
  int (*getnameinfo)(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int);
};

extern SystemCalls system_calls;

int open_socket(int domain, int type, int protocol) noexcept;
int accept_socket(int fd, sockaddr* address, socklen_t* size) noexcept;
int open_socket_pair(int domain, int type, int protocol, int ends[2]) noexcept;
int open_pipe(int ends[2]) noexcept;  // close-on-exec, but blocking
extern const int kSendFlags;          // of each send()
extern const int kRecvFlags;  // of each recvmsg(): descriptors that come are close-on-exec, or 0

/// std::system_error from errno: "CALL: detail: the system's text".
[[noreturn]] void raise_errno(const std::string& call_and_detail);
[[noreturn]] void raise_error(int error, const std::string& call_and_detail);

/// Close-on-exec and non-blocking. Throws: std::system_error.
void make_nonblocking(int fd);

}  // namespace weft::detail
