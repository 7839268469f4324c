// Callbacks that a loop is to run, and the means to take them back. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <weft/base/source_location.h>
#include <weft/loop/clock.h>

namespace weft {

class EventLoop;

namespace detail {

struct LoopCore;
LoopCore& core_of(EventLoop& loop) noexcept;

/// Anything that can stand in a ready queue. It is not owned by the queue. On a closed loop `run`
/// only gives back what it holds.
struct Runnable {
  Runnable* next = nullptr;
  void (*run)(Runnable*);

  explicit Runnable(void (*function)(Runnable*)) noexcept : run(function) {}
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;
};

/// Runs at a time: stands in the timer heap, then in the ready queue.
struct Timer : Runnable {
  static constexpr std::size_t kNotInHeap = std::size_t(-1);

  TimePoint when{};
  std::uint64_t sequence = 0;
  std::size_t index = kNotInHeap;

  using Runnable::Runnable;
};

/// A callback; kept by the queue it stands in and by its handles.
struct Callback : Timer {
  LoopCore* loop = nullptr;
  std::uint32_t references = 1;
  bool cancelled = false;
  SourceLocation where;
  void* context = nullptr;  // what ContextHooks::capture gave; not while it runs

  Callback() noexcept : Timer(&Callback::run_callback) {}
  virtual ~Callback();
  virtual void invoke() = 0;
  virtual std::string describe() const;

  static void run_callback(Runnable* self);
};

template <class F>
struct CallbackOf final : Callback {
  F function;
  template <class G>
  explicit CallbackOf(G&& f) : function(std::forward<G>(f)) {}
  void invoke() override { function(); }
};

void retain(Callback& callback) noexcept;
void release(Callback* callback) noexcept;

}  // namespace detail

/// A callback that was given to a loop. Dropping the handle changes nothing.
///
/// Thread: the loop's. Source: asyncio.Handle, asyncio.TimerHandle
class Handle {
 public:
  Handle() = default;
  explicit Handle(detail::Callback* callback) noexcept : callback_(callback) {}
  Handle(const Handle& other) noexcept : callback_(other.callback_) {
    if (callback_) detail::retain(*callback_);
  }
  Handle(Handle&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(callback_, other.callback_);
    return *this;
  }
  ~Handle() { detail::release(callback_); }

  /// The callback will not run. No effect if it has.
  void cancel() noexcept;

  bool cancelled() const noexcept { return callback_ && callback_->cancelled; }

  /// When it is due; call_soon()'s are due at the epoch of the clock.
  TimePoint when() const noexcept { return callback_ ? callback_->when : TimePoint{}; }

  explicit operator bool() const noexcept { return callback_ != nullptr; }

  // For those that keep callbacks.
  detail::Callback* callback() const noexcept { return callback_; }

 private:
  detail::Callback* callback_ = nullptr;
};

}  // namespace weft
