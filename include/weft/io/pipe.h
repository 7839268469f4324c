// Pipes, and other descriptors that are read and written. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>

#include <weft/io/byte_stream.h>
#include <weft/io/fd.h>

namespace weft {

/// A stream over one descriptor to read from and one to write to, of which one may be missing: the
/// ends of a process's pipes, a terminal, a FIFO.
///
/// Source: loop.connect_read_pipe, loop.connect_write_pipe
class PipeStream final : public ByteStream {
 public:
  /// A pipe: what is written to the second one is read from the first. Throws: std::system_error.
  static std::pair<std::unique_ptr<PipeStream>, std::unique_ptr<PipeStream>> one_way();

  /// Two pipes: two streams that are connected to each other.
  static std::pair<std::unique_ptr<PipeStream>, std::unique_ptr<PipeStream>> pair();

  /// Takes the descriptors over, and makes them non-blocking, which holds for whoever shares them.
  ///
  /// Throws: std::system_error; ValueError if there is none.
  static std::unique_ptr<PipeStream> adopt(FileDescriptor reader, FileDescriptor writer = {});

  ~PipeStream() override = default;

  /// Closes the descriptor to write to.
  void shutdown_write() override;
  void close() noexcept override;
  bool closed() const noexcept override { return closed_; }

 private:
  PipeStream(FileDescriptor reader, FileDescriptor writer);
  std::size_t do_read(std::span<char> buffer) override;
  std::size_t do_write(Pieces pieces) override;
  std::size_t do_try_write(Pieces pieces) override;

  detail::WatchedFd reader_;
  detail::WatchedFd writer_;
  bool ended_ = false;  // the writer was there, and was closed by shutdown_write()
  bool closed_ = false;
};

}  // namespace weft
