// Descriptors that are passed to another process. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/io/fd.h>
#include <weft/net/socket.h>

namespace weft {

/// How many descriptors may travel together; Linux's limit.
inline constexpr std::size_t kMostFds = 253;

/// Sends what the system takes of `data` at once, at least one byte, and copies of `fds` with the
/// first. They stay open here. Returns how many bytes were sent; descriptors are not to be sent
/// again with the rest.
///
/// Requires:  `socket` is a Unix socket.
/// Suspends:  while the system takes nothing, or for a turn after many calls that were served.
/// Cancelled: CancelledError; nothing was sent by this call.
/// Throws:    std::system_error: EBADF if one of `fds` is closed, EPIPE...; ValueError if `data` is
///            empty, or there are more than kMostFds; RuntimeError if another task waits to write,
///            or if it would wait outside a task.
/// Source:    socket.send_fds
std::size_t send_fds(Socket& socket, std::string_view data, std::span<const int> fds);

struct ReceivedFds {
  std::string data;                 ///< empty at the end of the stream
  std::vector<FileDescriptor> fds;  ///< close-on-exec
  /// More descriptors came than were asked for, or than this process may have. Those are lost, and
  /// `fds` is empty: the ones that came are closed.
  bool truncated = false;
};

/// What has arrived, up to `at_most` bytes, and the descriptors that came with them, up to
/// `max_fds`. Bytes that came with other descriptors are not among them. (Socket::recv() closes the
/// descriptors that come.)
///
/// Requires:  `socket` is a Unix socket.
/// Suspends:  until something has arrived, or for a turn after many calls that were served.
/// Cancelled: CancelledError; no byte and no descriptor is lost.
/// Throws:    std::system_error: ECONNRESET...; ValueError if `at_most` or `max_fds` is 0, or
///            `max_fds` more than kMostFds; RuntimeError if another task waits to read, or if it
///            would wait outside a task.
/// Source:    socket.recv_fds
ReceivedFds recv_fds(Socket& socket, std::size_t at_most, std::size_t max_fds);

}  // namespace weft
