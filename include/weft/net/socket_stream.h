// A socket as a stream of bytes. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <weft/io/byte_stream.h>
#include <weft/net/socket.h>

namespace weft {

/// The ByteStream of a connected Socket.
class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(Socket socket) noexcept : socket_(std::move(socket)) {}

  /// Two that are connected to each other. Source: socketpair(2)
  static std::pair<std::unique_ptr<SocketStream>, std::unique_ptr<SocketStream>> pair();

  Socket& socket() noexcept { return socket_; }

  void shutdown_write() override { socket_.shutdown_write(); }
  void close() noexcept override { socket_.close(); }
  bool closed() const noexcept override { return socket_.closed(); }

  /// Empty if it has none, or none any more.
  std::string peer_name() const override;

 private:
  std::size_t do_read(std::span<char> buffer) override { return socket_.recv_into(buffer); }
  std::size_t do_write(Pieces pieces) override { return socket_.send(pieces); }
  std::size_t do_try_write(Pieces pieces) override { return socket_.try_send(pieces); }

  Socket socket_;
};

}  // namespace weft
