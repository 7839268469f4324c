// Sockets, in direct style. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/io/byte_stream.h>
#include <weft/io/fd.h>
#include <weft/loop/clock.h>
#include <weft/net/address.h>

namespace weft {

struct ListenOptions {
  int backlog = 128;        ///< connections that may wait for accept()
  bool reuse_port = false;  ///< let several sockets share the port; the kernel spreads connections
  bool ipv6_only = false;   ///< an IPv6 socket leaves its port to others for IPv4
};

struct ConnectOptions {
  /// None: as long as the system tries.
  std::optional<Duration> timeout = {};
  /// Where this end is to be; port 0 takes a free one. None: as the system likes.
  std::optional<Address> local_address = {};
};

/// A connected or listening stream socket: TCP over IPv4 or IPv6, or Unix.
///
/// Each call is tried at once, and waits only if the system says that it would block; but a task of
/// which 64 calls in a row have been served at once gives up a turn before the next, so that a fast
/// peer does not keep others from running, nor the task from being cancelled. One task may
/// read while another one writes; while one waits to read (or accept), or to write, any other one
/// that tries the same gets RuntimeError. TCP_NODELAY is on.
///
/// Errors of the system are std::system_error, whose text names the call and the address. Every
/// call on a socket that is closed, or was moved from, is EBADF.
///
/// Requires: it is used in one event loop, and outlives the waits on it (checked: the process is
///           aborted). A loop that is closed lets go of its sockets.
/// Thread: the loop's. Source: socket(7), asyncio's loop.sock_* calls
class Socket {
 public:
  /// Connects to `address`.
  ///
  /// Suspends:  until the connection stands or has failed.
  /// Cancelled: CancelledError; the socket is closed.
  /// Throws:    std::system_error: ECONNREFUSED, ENETUNREACH..., or that names `local_address`;
  ///            TimeoutError that names the address. ValueError if `address` is empty;
  ///            RuntimeError if it would wait outside a task.
  static Socket connect(const Address& address, const ConnectOptions& options = {});

  /// Listens on `address`; port 0 takes a free one, see local_address(). Addresses of closed
  /// connections may be used again (SO_REUSEADDR). A Unix path must not exist.
  ///
  /// Throws: std::system_error: EADDRINUSE, EACCES...; ValueError if `backlog` is negative.
  static Socket listen(const Address& address, const ListenOptions& options = {});

  /// Two that are connected to each other. Source: socketpair(2)
  static std::pair<Socket, Socket> pair();

  /// Takes over a connected or listening stream socket, and makes it non-blocking.
  static Socket adopt(FileDescriptor fd);

  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  /// The next connection.
  ///
  /// Suspends:  until there is one, or for a turn after many that were there.
  /// Cancelled: CancelledError; no connection is lost.
  /// Throws:    std::system_error, EMFILE when the process has no descriptors left; RuntimeError if
  ///            another task waits to accept, or if it would wait outside a task.
  Socket accept();

  /// What has arrived, up to `buffer.size()` bytes: at least one, or 0 at the end of the stream.
  ///
  /// Suspends:  until something has arrived, or for a turn after many calls that were served.
  /// Cancelled: CancelledError; no byte is lost.
  /// Throws:    std::system_error: ECONNRESET...; ValueError for an empty buffer; RuntimeError if
  ///            another task waits to read, or if it would wait outside a task.
  std::size_t recv_into(std::span<std::byte> buffer);
  std::size_t recv_into(std::span<char> buffer) {
    return recv_into(std::as_writable_bytes(buffer));
  }

  /// The same in a string, which is empty at the end of the stream.
  std::string recv(std::size_t at_most);

  /// Sends what the system takes at once, at least one byte (none of none), and returns how many.
  ///
  /// Suspends:  while the system takes nothing, or for a turn after many calls that were served.
  /// Cancelled: CancelledError; nothing was sent by this call.
  /// Throws:    std::system_error: EPIPE, ECONNRESET (no signal is raised); RuntimeError if another
  ///            task waits to write, or if it would wait outside a task.
  std::size_t send(std::span<const std::byte> data);
  std::size_t send(std::string_view data) { return send(std::as_bytes(std::span(data))); }
  /// The same of several pieces, by one system call; of the first 64, if there are more.
  std::size_t send(Pieces pieces);

  /// The same, but 0 if the system takes nothing at present. Never suspends.
  std::size_t try_send(Pieces pieces);

  /// Sends all of it.
  ///
  /// Suspends:  while the system takes nothing more.
  /// Cancelled: CancelledError; how much was sent is not known.
  /// Throws:    as send().
  void send_all(std::span<const std::byte> data);
  void send_all(std::string_view data) { send_all(std::as_bytes(std::span(data))); }

  /// No more will be sent: the peer reads the end of the stream. This side can still read.
  void shutdown_write();

  /// Whoever waits on it gets std::system_error (EBADF). No effect the second time.
  void close() noexcept;
  bool closed() const noexcept;

  /// The next close() resets the connection instead of ending it in order. Source: SO_LINGER
  void set_reset_on_close(bool on);

  Address local_address() const;
  Address peer_address() const;

  /// -1 if it is closed. Do not close it.
  int fd() const noexcept;

  // For functions that do more with it.
  const std::unique_ptr<detail::WatchedFd>& watched() const noexcept { return watched_; }

 private:
  Socket(FileDescriptor fd, bool is_unix);

  std::unique_ptr<detail::WatchedFd> watched_;
};

}  // namespace weft
