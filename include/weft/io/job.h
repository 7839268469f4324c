// What a thread of a pool is to do. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <utility>

#include <weft/base/hooks.h>

namespace weft::detail {

class Workers;

/// A call that a thread of a pool makes. The pool, the thread and whoever waits for it own it
/// together.
class Job {
 public:
  enum class State : std::uint8_t { New, Queued, Running, Done, Withdrawn };

  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  State state() const noexcept { return state_.load(std::memory_order_acquire); }

  /// Blocks this thread until a call that has begun is over.
  void block_until_done() const noexcept { state_.wait(State::Running, std::memory_order_acquire); }

 private:
  friend class Workers;

  // In a thread of the pool, in this order.
  virtual void begun() noexcept {}  // only if it came when the queue was full
  virtual void call() noexcept = 0;
  virtual void done(std::shared_ptr<Job>) noexcept {}  // gives the thread's share away

  std::atomic<State> state_{State::New};
  bool was_late_ = false;
  std::list<std::shared_ptr<Job>>::iterator place_;
};

/// A call of which nobody wants to know the result.
template <class F>
class PlainJob final : public Job {
 public:
  template <class G>
  explicit PlainJob(G&& function) : function_(std::forward<G>(function)) {}

 private:
  void call() noexcept override {
    try {
      function_();
    } catch (...) {
      report_unraisable(std::current_exception(), "in a thread of a pool");
    }
  }

  F function_;
};

}  // namespace weft::detail
