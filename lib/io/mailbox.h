// From other threads to a loop that may be gone. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <utility>

#include <weft/base/errors.h>
#include <weft/loop/event_loop.h>

namespace weft::detail {

/// Owned by a loop and by all threads that may want to tell it something.
class Mailbox {
 public:
  explicit Mailbox(EventLoop& loop) noexcept : loop_(&loop) {}

  /// Runs `function()` in the loop; destroys it here if that has been closed. Thread: any.
  template <class F>
  void post(F&& function) {
    const std::lock_guard lock(mutex_);
    if (!loop_) return;
    try {
      loop_->call_soon_threadsafe(std::forward<F>(function));
    } catch (const RuntimeError&) {
      loop_ = nullptr;  // it is being closed
    }
  }

  void close() noexcept {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  EventLoop* loop_;
};

}  // namespace weft::detail
