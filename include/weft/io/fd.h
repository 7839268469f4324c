// File descriptors that tasks wait for. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>

#include <weft/loop/core.h>
#include <weft/task/wait_queue.h>

namespace weft {

/// Owns an open file descriptor, and closes it.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = other.release();
    }
    return *this;
  }
  ~FileDescriptor() { close(); }

  /// -1 if it owns none.
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  int release() noexcept { return std::exchange(fd_, -1); }
  void close() noexcept;

 private:
  int fd_ = -1;
};

/// Waits until `fd` can be read without blocking: there is data, the end, or an error. Another task
/// may wait to write to it meanwhile.
///
/// Suspends:  until then, at least for one turn.
/// Cancelled: CancelledError; `fd` is not watched any more.
/// Throws:    ValueError if `fd` is negative; std::system_error if it cannot be watched: EPERM for
///            a regular file, which is always ready, EEXIST if a Socket or the loop watches it, or
///            another task waits to read from it. RuntimeError outside a task.
void wait_readable(int fd);

/// The same for writing.
void wait_writable(int fd);

namespace detail {

/// A descriptor that is registered with a loop once, edge-triggered, and stays so. Whoever uses it
/// tries the system call first, and waits when that says EAGAIN.
class WatchedFd final : private LinkedWatch {
 public:
  /// `fd` must be non-blocking.
  explicit WatchedFd(FileDescriptor fd) noexcept;
  WatchedFd(const WatchedFd&) = delete;
  WatchedFd& operator=(const WatchedFd&) = delete;
  ~WatchedFd();

  int get() const noexcept { return fd_.get(); }
  bool closed() const noexcept { return !fd_; }

  /// Throws: RuntimeError if a task waits in `direction`, since nobody may overtake it; or if a
  /// loop of another process watches the descriptor.
  void check_alone(Events direction, const char* call) const {
    if (has_waiter(direction)) refuse(direction, call);
  }

  /// Waits for the next edge in `direction` (Readable or Writable), unless one has come since the
  /// last wait. `call` is for messages.
  ///
  /// Suspends:  until then, or close().
  /// Cancelled: CancelledError; an edge that has come stays noted.
  /// Throws:    RuntimeError if another task waits in this direction, or in another loop;
  ///            std::system_error (EBADF) once it is closed.
  void wait(Events direction, const char* call);

  /// What comes has boundaries, at which a read ends: one that is short says nothing.
  void keep_boundaries() noexcept { boundaries_ = true; }
  bool keeps_boundaries() const noexcept { return boundaries_; }

  /// All that was there has been read: the next read waits for an edge first. Not believed if the
  /// peer has hung up, since then no edge will follow, nor if there are boundaries.
  void drained() noexcept {
    if (boundaries_) return;
    if (!hung_up_) readable_ = false;
    drained_ = !hung_up_;
  }
  /// True if a read would find nothing, as far as is known.
  bool is_drained() const noexcept { return drained_ && !readable_ && loop_ != nullptr; }

  bool has_waiter(Events direction) const noexcept {
    return (direction == Events::Readable ? reader_ : writer_) != nullptr;
  }

  /// Forgets the edges that have come: what is the case at present will be told anew.
  ///
  /// Throws: std::system_error if the descriptor is not what it was.
  void renew();

  /// Wakes those who wait.
  void close() noexcept;
  /// Gives the descriptor away. Requires: nobody waits.
  FileDescriptor release() noexcept;

 private:
  class Place;

  void attach(const char* call);
  void leave_loop() noexcept;
  [[noreturn]] void refuse(Events direction, const char* call) const;
  bool is_parents() const noexcept;
  void take_from_parent() noexcept;
  static void on_ready(Watch* watch, Events events);

  FileDescriptor fd_;
  LoopCore* loop_ = nullptr;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  bool readable_ = false;  // an edge has come that nobody has used
  bool writable_ = false;
  bool hung_up_ = false;
  bool drained_ = false;
  bool boundaries_ = false;
};

}  // namespace detail

}  // namespace weft
