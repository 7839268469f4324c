// A stream that fails when nothing happens for too long. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <weft/io/byte_stream.h>
#include <weft/loop/clock.h>
#include <weft/net/socket_stream.h>

namespace weft {

/// What comes or goes, in either direction, begins the time anew.
class IdleStream final : public ByteStream {
 public:
  IdleStream(Socket socket, Duration limit);

  /// The limit has been reached.
  bool expired() const noexcept { return expired_; }

  void shutdown_write() override { stream_.shutdown_write(); }
  void close() noexcept override { stream_.close(); }
  bool closed() const noexcept override { return stream_.closed(); }
  std::string peer_name() const override { return stream_.peer_name(); }

 private:
  std::size_t do_read(std::span<char> buffer) override;
  std::size_t do_write(Pieces pieces) override;
  std::size_t do_try_write(Pieces pieces) override;
  template <class Call>
  std::size_t within_limit(const char* call_name, const Call& call);

  SocketStream stream_;
  Duration limit_;
  TimePoint last_;  // something came or went
  bool expired_ = false;
};

}  // namespace weft
