// A buffer before a stream that is written. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <weft/io/byte_stream.h>

namespace weft {

/// Writes to a ByteStream without waiting: what does not go at once is kept, and a task of the
/// writer's own writes it as the stream takes it. drain() keeps that from growing without end.
///
/// An error of the stream comes when nobody waits for it: it is thrown by the next write(), drain()
/// or wait_closed(), and by each after that; what was buffered is dropped. Reading is not affected.
///
/// Thread: the loop's.
/// Source: asyncio.StreamWriter. Differs: see above; write() after close() is an error.
class StreamWriter {
 public:
  explicit StreamWriter(std::shared_ptr<ByteStream> stream);
  StreamWriter(StreamWriter&&) noexcept;
  StreamWriter& operator=(StreamWriter&&) noexcept;
  /// close()
  ~StreamWriter();

  /// Writes `data`, or keeps a copy of what does not go.
  ///
  /// Throws: an error that came late; std::system_error (ECONNRESET) after close(); RuntimeError
  ///         after write_eof(), or outside a loop if something has to be kept.
  void write(std::string_view data);
  void write(std::span<const std::byte> data);

  /// The same of several pieces, by one system call.
  void writelines(Pieces pieces);

  /// Waits until there is room: if more is buffered than the high mark, until no more is than the
  /// low one.
  ///
  /// Suspends:  until then; for a turn after close(). Otherwise not at all.
  /// Cancelled: CancelledError; what is buffered will still be written.
  /// Throws:    an error that came late; std::system_error (ECONNRESET) once it is closed.
  void drain();

  /// Ends this direction behind what is buffered. No effect the second time, or after close().
  ///
  /// Throws: as ByteStream::shutdown_write().
  void write_eof();
  bool can_write_eof() const noexcept;

  /// Closes the stream, both directions, behind what is buffered. No effect the second time.
  void close() noexcept;
  bool is_closing() const noexcept;

  /// Closes it now, and drops what is buffered.
  void abort() noexcept;

  /// Suspends:  until close() has done its work.
  /// Cancelled: CancelledError; the stream will still be closed.
  /// Throws:    an error that came late.
  void wait_closed();

  /// Units: bytes. What drain() goes by; `low` is a quarter of `high` if it is not given. At first
  /// `high` is 64 KiB. Throws: ValueError if `low` is above `high`.
  void set_write_buffer_limits(std::size_t high, std::optional<std::size_t> low = {});

  /// How many bytes are buffered.
  std::size_t buffered() const noexcept;

  ByteStream& stream() const noexcept;

  class Control;
  Control control() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;  // the task that writes has a share
};

/// Another hold on a writer, for whoever has to end what somebody else writes.
class StreamWriter::Control {
 public:
  Control() = default;

  void close() const noexcept;
  void abort() const noexcept;
  /// As StreamWriter::wait_closed().
  void wait_closed() const;

 private:
  friend class StreamWriter;
  std::shared_ptr<State> state_;
};

}  // namespace weft
