// Lines, and other portions, of a stream that is read. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/errors.h>
#include <weft/io/byte_stream.h>

namespace weft {

/// The limit of readers that are given none.
inline constexpr std::size_t kStreamLimit = std::size_t{64} * 1024;

/// A stream ended before all that was asked for had come. Source: asyncio.IncompleteReadError
class IncompleteReadError : public detail::Kind<IncompleteReadError> {
 public:
  static constexpr const char* kName = "IncompleteReadError";
  IncompleteReadError(std::string partial, std::optional<std::size_t> expected);

  /// What had come.
  const std::string& partial() const noexcept { return *partial_; }
  /// None: up to a separator.
  std::optional<std::size_t> expected() const noexcept { return expected_; }

 private:
  std::shared_ptr<const std::string> partial_;
  std::optional<std::size_t> expected_;
};

/// A separator did not come within the limit. Source: asyncio.LimitOverrunError
class LimitOverrunError : public detail::Kind<LimitOverrunError> {
 public:
  static constexpr const char* kName = "LimitOverrunError";
  LimitOverrunError(std::string message, std::size_t consumed);

  /// How many bytes, which are still there to be read, hold no separator.
  std::size_t consumed() const noexcept { return consumed_; }

 private:
  std::size_t consumed_;
};

/// Reads from a ByteStream through a buffer. It asks for more only when somebody waits for it, so
/// what is not read stays with the sender.
///
/// All that wait:
/// Suspends:  until enough has arrived, the stream has ended, or failed.
/// Cancelled: CancelledError; no byte is lost, the next call finds what has arrived.
/// Throws:    what the stream throws, and that again at the next calls; RuntimeError if another
///            task waits for data, or if it would wait outside a task.
///
/// Requires: it outlives the waits on it (checked: the process is aborted).
/// Thread:   the loop's.
/// Source:   asyncio.StreamReader. Differs: a failed write does not make reading fail; nothing is
///           read ahead while nobody waits.
class StreamReader {
 public:
  /// Units: bytes; `limit` is how long a line, or what stands before a separator, may be.
  /// Throws: ValueError if `limit` is 0.
  explicit StreamReader(std::shared_ptr<ByteStream> stream, std::size_t limit = kStreamLimit);
  StreamReader(StreamReader&&) noexcept;
  StreamReader& operator=(StreamReader&&) noexcept;
  ~StreamReader();

  /// What has arrived, `at_most` bytes of it: at least one, or none at the end of the stream.
  /// Waits.
  std::string read(std::size_t at_most);

  /// Everything up to the end of the stream. Waits.
  std::string read_all();

  /// Exactly `count` bytes. Waits. Throws: IncompleteReadError, and the rest is taken.
  std::string readexactly(std::size_t count);

  /// A line with its end, '\n'; without one if the stream ends before; empty at its end. Waits.
  ///
  /// Throws: ValueError if the line is longer than the limit: it is dropped, or what has come of it
  ///         is.
  std::string readline();

  /// Everything up to a separator, and that. Waits.
  ///
  /// Throws: IncompleteReadError if the stream ends before: the rest is taken; LimitOverrunError if
  ///         more than the limit comes before it: all is left. ValueError if `separator` is empty.
  std::string readuntil(std::string_view separator = "\n");

  /// How many bytes have arrived and not been taken.
  std::size_t buffered() const noexcept;

  /// The stream has ended, and all has been read.
  bool at_eof() const noexcept;

  /// For async_for(): the next line. Waits. Throws: StopAsyncIteration at the end of the stream.
  std::string anext();

  ByteStream& stream() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft
