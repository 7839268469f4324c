// The system calls that weft makes on descriptors, in one table: what simulates or fails them
// replaces the entries. Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

#include <sys/socket.h>
#include <sys/types.h>

namespace weft::detail {

struct SystemCalls {
  int (*socket)(int, int, int);
  int (*bind)(int, const sockaddr*, socklen_t);
  int (*listen)(int, int);
  int (*connect)(int, const sockaddr*, socklen_t);
  int (*accept4)(int, sockaddr*, socklen_t*, int);
  ssize_t (*recv)(int, void*, std::size_t, int);
  ssize_t (*send)(int, const void*, std::size_t, int);
  ssize_t (*read)(int, void*, std::size_t);
  ssize_t (*write)(int, const void*, std::size_t);
  int (*close)(int);
};

extern SystemCalls system_calls;

/// std::system_error from errno: "CALL: detail: the system's text".
[[noreturn]] void raise_errno(const std::string& call_and_detail);
[[noreturn]] void raise_error(int error, const std::string& call_and_detail);

/// Close-on-exec and non-blocking. Throws: std::system_error.
void make_nonblocking(int fd);

}  // namespace weft::detail
