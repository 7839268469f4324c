// Connections and servers, in streams. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/io/stream_reader.h>
#include <weft/io/stream_writer.h>
#include <weft/loop/clock.h>
#include <weft/net/address.h>
#include <weft/net/connect.h>
#include <weft/net/socket.h>

namespace weft {

/// Both halves of a connection: `auto [reader, writer] = open_connection(address);`
struct Streams {
  StreamReader reader;
  StreamWriter writer;
};

struct ConnectionOptions {
  ConnectOptions connect = {};
  std::size_t limit = kStreamLimit;  ///< of lines, in bytes
};

/// Connects to `address`. The connection is closed with the writer.
///
/// Suspends, Cancelled, Throws: as Socket::connect().
/// Source: asyncio.open_connection
Streams open_connection(const Address& address, const ConnectionOptions& options = {});

/// Connects to a host that has a name, by whichever of its addresses answers first.
///
/// Suspends, Cancelled, Throws: as connect_to_host().
/// Source: asyncio.open_connection. Differs: `happy_eyeballs_delay` is 250 ms, not none.
Streams open_connection(std::string_view host, int port, const HostOptions& options = {},
                        std::size_t limit = kStreamLimit);

/// The same of a Unix socket. Source: asyncio.open_unix_connection
Streams open_unix_connection(const std::string& path, const ConnectionOptions& options = {});

/// Of a socket that is connected already.
Streams open_streams(Socket socket, std::size_t limit = kStreamLimit);

struct ServerOptions {
  ListenOptions listen = {};
  std::size_t limit = kStreamLimit;  ///< of lines, in bytes

  /// How many connections are served at once; those beyond wait in the backlog. 0: any number.
  std::size_t connections = 0;

  /// A connection on which nothing has come or gone for so long fails: whoever waits on it gets
  /// std::system_error (ETIMEDOUT), which is not reported if it leaves the callback.
  std::optional<Duration> idle = {};

  /// Called with each connection's stream, in the task that will call the callback, and gives what
  /// that is served by instead: what speaks another protocol over it. It may wait. Null: nothing is
  /// served. What it throws is told as what the callback throws.
  std::function<std::shared_ptr<ByteStream>(std::shared_ptr<ByteStream>)> wrap = {};
};

/// Called with each connection, in a task of its own. The connection is closed with the writer.
/// What it throws is told to the loop's exception handler.
using ClientConnected = std::function<void(StreamReader reader, StreamWriter writer)>;

/// A server that listens; copies mean the same one. It goes on when it has run out of descriptors:
/// it lets new connections wait until one of its own is over, or a second has passed.
///
/// Thread: the loop's. Source: asyncio.Server (3.13)
class Server {
 public:
  /// Where it listens; port 0 has been replaced by the one that was free.
  const Address& local_address() const noexcept;

  /// If it listens on several: all, the one above first.
  std::vector<Address> local_addresses() const;

  bool is_serving() const noexcept;

  /// How many connections are being served.
  std::size_t clients() const noexcept;

  /// Listens no more. Connections that are there go on. No effect the second time.
  void close() noexcept;

  /// Closes all connections, each behind what is buffered for it: readers are at their end.
  void close_clients();

  /// Closes them now, and drops what is buffered.
  void abort_clients();

  /// Suspends:  until close() was called and all connections are over.
  /// Cancelled: CancelledError; it goes on.
  /// Throws:    RuntimeError outside a task.
  void wait_closed();

  /// close(), and gives the connections time to end by themselves. Those that have not by then are
  /// cancelled and aborted; returns their names, and where their tasks wait: "127.0.0.1:5 (in
  /// StreamReader.read)".
  ///
  /// Suspends:  until all are over.
  /// Cancelled: CancelledError; it listens no more, and connections go on.
  /// Throws:    RuntimeError outside a task.
  std::vector<std::string> drain(Duration limit);

  /// Suspends:  until close().
  /// Cancelled: CancelledError, after close().
  void serve_forever();

 private:
  friend Server start_server(ClientConnected, const Address&, const ServerOptions&);
  friend Server start_server(ClientConnected, std::string_view, int, const ServerOptions&);
  friend Server start_unix_server(ClientConnected, const std::string&, const ServerOptions&);
  struct State;
  explicit Server(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// Serves connections to `address`, from now on.
///
/// Throws: as Socket::listen(); ValueError if `callback` is empty; RuntimeError outside a loop.
/// Source: asyncio.start_server
Server start_server(ClientConnected callback, const Address& address,
                    const ServerOptions& options = {});

/// The same at a path. A socket that was left there is removed, and so is this one by close().
/// Source: asyncio.start_unix_server
Server start_unix_server(ClientConnected callback, const std::string& path,
                         const ServerOptions& options = {});

/// Serves connections to all addresses of `host`, IPv4 and IPv6; none: of all interfaces. Families
/// that this machine does not have are left out. With port 0 each address gets a port of its own.
/// While all places are taken, each address but one may have accepted a connection that waits.
///
/// Suspends:  while `host` is looked up; see getaddrinfo().
/// Cancelled: CancelledError; nothing listens.
/// Throws:    GaiError; as Socket::listen() if one address cannot be listened on: then none is.
///            ValueError as getaddrinfo(), and if `callback` is empty; RuntimeError outside a loop.
/// Source:    asyncio.start_server
Server start_server(ClientConnected callback, std::string_view host, int port,
                    const ServerOptions& options = {});

}  // namespace weft
