// Sockets of messages: UDP, and Unix datagrams. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/io/fd.h>
#include <weft/net/address.h>

namespace weft {

struct DatagramOptions {
  bool allow_broadcast = false;  ///< messages may be sent to broadcast addresses
  bool reuse_port = false;       ///< let several sockets share the port
  bool ipv6_only = false;        ///< an IPv6 socket leaves its port to others for IPv4
};

/// A message that has come.
struct Datagram {
  std::string data;
  Address sender;          ///< Family::None if that has no name
  bool truncated = false;  ///< it was longer than was asked for; the rest is lost
};

/// A socket of messages. Each is received whole, in any order, once, more than once, or not at all.
///
/// Each call is tried at once, and waits only if the system says that it would block; after 64 in a
/// row it gives up a turn, as those of Socket do. One task may receive while another one sends;
/// while one waits to, any other one that tries the same gets RuntimeError.
///
/// Errors of the system are std::system_error, whose text names the call and the address; among
/// them those that a message of before has met: a connected socket gets ECONNREFUSED from a later
/// call if nobody receives at the other end. Every call on a socket that is closed, or was moved
/// from, is EBADF.
///
/// Requires: it is used in one event loop, and outlives the waits on it (checked: the process is
///           aborted).
/// Thread: the loop's. Source: udp(7), loop.create_datagram_endpoint
class DatagramSocket {
 public:
  DatagramSocket(DatagramSocket&&) noexcept;
  DatagramSocket& operator=(DatagramSocket&&) noexcept;
  ~DatagramSocket();

  /// What has come, in a buffer.
  struct Received {
    std::size_t size = 0;
    Address sender = {};
    bool truncated = false;
  };

  /// The next message, as much of it as fits.
  ///
  /// Suspends:  until there is one, or for a turn after many that were there.
  /// Cancelled: CancelledError; no message is lost.
  /// Throws:    std::system_error; RuntimeError if another task waits to receive, or if it would
  ///            wait outside a task.
  Received recv_from_into(std::span<std::byte> buffer);
  Received recv_from_into(std::span<char> buffer) {
    return recv_from_into(std::as_writable_bytes(buffer));
  }

  /// The same in a string, of up to `at_most` bytes. No message over IP is longer than 64 KiB.
  Datagram recv_from(std::size_t at_most = kLongest);

  /// The same without the sender, for a connected socket.
  ///
  /// Throws: as recv_from_into(); EMSGSIZE if the message is longer: it is lost.
  std::string recv(std::size_t at_most = kLongest);

  /// Sends one message. An empty one is one, too.
  ///
  /// Suspends:  while the system takes none, or for a turn after many calls that were served.
  /// Cancelled: CancelledError; it was not sent.
  /// Throws:    std::system_error: EMSGSIZE if it is too long, ENETUNREACH, EACCES for a broadcast
  ///            that is not allowed...; RuntimeError if another task waits to send, or if it would
  ///            wait outside a task.
  void send_to(std::span<const std::byte> data, const Address& address);
  void send_to(std::string_view data, const Address& address) {
    send_to(std::as_bytes(std::span(data)), address);
  }

  /// The same to the address that it is connected to. Throws: EDESTADDRREQ or ENOTCONN if to none.
  void send(std::span<const std::byte> data);
  void send(std::string_view data) { send(std::as_bytes(std::span(data))); }

  /// Whoever waits on it gets std::system_error (EBADF). No effect the second time.
  void close() noexcept;
  bool closed() const noexcept;

  Address local_address() const;
  /// Throws: std::system_error: ENOTCONN.
  Address peer_address() const;

  /// -1 if it is closed. Do not close it.
  int fd() const noexcept;

  static constexpr std::size_t kLongest = 65536;

 private:
  friend DatagramSocket open_datagram(const std::optional<Address>&, const std::optional<Address>&,
                                      const DatagramOptions&);
  DatagramSocket(FileDescriptor fd, bool is_unix);
  void send_message(std::span<const std::byte> data, const Address* address);

  std::unique_ptr<detail::WatchedFd> watched_;
  bool is_unix_;
};

/// A socket that receives at `local`; none: at a free port of all interfaces, once something has
/// been sent. If `remote` is given, it is connected to that: send() goes there, and only what comes
/// from there is received.
///
/// A Unix socket that wants answers needs a `local` of its own, which must not exist, and is not
/// removed.
///
/// Throws: std::system_error: EADDRINUSE, EADDRNOTAVAIL...; ValueError if neither is given, or they
///         are of different families.
/// Source: loop.create_datagram_endpoint. Differs: it is a socket, and nothing is looked up.
DatagramSocket open_datagram(const std::optional<Address>& local,
                             const std::optional<Address>& remote = {},
                             const DatagramOptions& options = {});

}  // namespace weft
