// Streams between the tasks of one process. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <weft/io/byte_stream.h>

namespace weft {

/// One end of a connection in memory. What one end writes the other one reads; no more than the
/// capacity is ever on its way, so a slow reader holds its writer up.
class MemoryStream final : public ByteStream {
 public:
  /// Two that are connected to each other. Units: bytes, in each direction.
  /// Throws: ValueError if `capacity` is 0.
  static std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> pair(
      std::size_t capacity = std::size_t{64} * 1024);

  ~MemoryStream() override;

  void shutdown_write() override;
  void close() noexcept override;
  bool closed() const noexcept override { return closed_; }

  /// As if the connection were lost: what is on its way is gone, and the other end gets ECONNRESET.
  void reset() noexcept;

  /// What the other end has written, and this one has not read.
  std::size_t readable() const noexcept;

 private:
  struct Lane;

  MemoryStream(std::shared_ptr<Lane> in, std::shared_ptr<Lane> out) noexcept;
  std::size_t do_read(std::span<char> buffer) override;
  std::size_t do_write(Pieces pieces) override;
  std::size_t do_try_write(Pieces pieces) override;
  void check(const char* call) const;

  std::shared_ptr<Lane> in_;
  std::shared_ptr<Lane> out_;
  bool closed_ = false;
};

}  // namespace weft
