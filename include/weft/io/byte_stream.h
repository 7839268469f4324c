// What all streams of bytes have in common. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace weft {

/// Bytes to be written, in several pieces that need not lie side by side.
using Pieces = std::span<const std::string_view>;

/// Bytes that come and go, in order: a socket, a pipe, memory, a file, or what is made of one.
/// StreamReader and StreamWriter make it comfortable.
///
/// One task may read while another one writes; while one waits to read, or to write, any other one
/// that tries the same gets RuntimeError. Errors of the system are std::system_error, whose text
/// names the call. Each call on a stream that is closed is EBADF.
///
/// Requires: it outlives the waits on it (checked: the process is aborted).
/// Thread:   the loop's.
class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  /// What has arrived, up to `buffer.size()` bytes: at least one, or 0 at the end of the stream.
  ///
  /// Suspends:  until something has arrived.
  /// Cancelled: CancelledError; no byte is lost.
  /// Throws:    std::system_error; ValueError for an empty buffer; RuntimeError if another task
  ///            waits to read, or if it would wait outside a task.
  std::size_t read_some(std::span<char> buffer);
  std::size_t read_some(std::span<std::byte> buffer);

  /// Writes what goes at once, at least one byte (none of none), and returns how many.
  ///
  /// Suspends:  while nothing goes.
  /// Cancelled: CancelledError; this call has written nothing.
  /// Throws:    std::system_error: EPIPE if nobody will read it (no signal is raised)...;
  ///            RuntimeError if another task waits to write, or if it would wait outside a task.
  std::size_t write_some(std::string_view data);
  std::size_t write_some(Pieces pieces);

  /// Writes all of it.
  ///
  /// Suspends:  while nothing more goes.
  /// Cancelled: CancelledError; how much was written is not known.
  /// Throws:    as write_some().
  void write_all(std::string_view data);
  void write_all(Pieces pieces);

  /// As write_some(), but it never waits: 0 if nothing goes at present. A kind of stream that
  /// cannot know always says so. Throws: as write_some().
  std::size_t try_write(Pieces pieces);

  /// Whether one direction can end before the other.
  virtual bool can_shutdown_write() const noexcept { return true; }

  /// No more will be written: the peer reads the end of the stream. This side can still read.
  ///
  /// Throws: std::system_error; RuntimeError if the kind cannot do that.
  virtual void shutdown_write() = 0;

  /// Ends both directions. Whoever waits on it gets std::system_error (EBADF). No effect the second
  /// time.
  virtual void close() noexcept = 0;

  /// close(), and what has been written and has not left this stream is dropped. Kinds that keep
  /// nothing know no difference.
  virtual void abort() noexcept { close(); }

  virtual bool closed() const noexcept = 0;

  /// What it is connected to, for messages: "127.0.0.1:80"; empty if that has no name.
  virtual std::string peer_name() const { return {}; }

 protected:
  /// How many pieces do_write() may be given at once.
  static constexpr std::size_t kMostPieces = 64;

 private:
  // `buffer` is not empty; `pieces` hold at least one byte, and are kMostPieces at most.
  virtual std::size_t do_read(std::span<char> buffer) = 0;
  virtual std::size_t do_write(Pieces pieces) = 0;
  virtual std::size_t do_try_write(Pieces pieces);
};

}  // namespace weft
