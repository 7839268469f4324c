// Files, through the loop's threads. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <weft/io/byte_stream.h>
#include <weft/io/fd.h>

namespace weft {

/// An open file as a stream. No descriptor of a file says when it is ready, so each call is made in
/// a thread of the loop's pool, and takes its time.
///
/// A call that has begun cannot be taken back: a task that is cancelled meanwhile gets what the
/// call did, and its cancellation where it waits next.
class FileStream final : public ByteStream {
 public:
  explicit FileStream(FileDescriptor fd, std::string name = {});
  ~FileStream() override;

  /// Brings what was written to the disk.
  ///
  /// Suspends:  until it is there.
  /// Cancelled: as all calls.
  /// Throws:    std::system_error that names fsync; RuntimeError outside a task.
  void sync();

  bool can_shutdown_write() const noexcept override { return false; }
  /// Throws: RuntimeError.
  void shutdown_write() override;
  void close() noexcept override;
  bool closed() const noexcept override { return closed_; }
  /// The path.
  std::string peer_name() const override { return name_; }

 private:
  std::size_t do_read(std::span<char> buffer) override;
  std::size_t do_write(Pieces pieces) override;
  template <class Call>
  std::size_t in_thread(const char* name, const Call& call);

  FileDescriptor fd_;
  std::string name_;
  bool busy_ = false;  // a call is being made
  bool closed_ = false;
};

/// Opens a file: "r" to read, "w" to write it anew, "a" to write at its end, "x" to make it, which
/// must not exist; each with "+" to do both. A "b" changes nothing.
///
/// Suspends:  until it is open.
/// Cancelled: CancelledError.
/// Throws:    std::system_error that names open and the path; ValueError for another `mode`;
///            RuntimeError outside a task.
/// Source:    open() of Python, and anyio.open_file
std::unique_ptr<FileStream> open_file(const std::string& path, std::string_view mode = "r");

}  // namespace weft
