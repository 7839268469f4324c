// Threads for what would block a loop. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <weft/io/job.h>

namespace weft {

struct ThreadPoolOptions {
  /// The most there may be; 0: as many as there are processors and four more, up to 32.
  std::size_t threads = 0;
  std::size_t queue = 1024;  ///< calls that may wait for a thread
};

/// Makes calls in threads of its own, first come, first served. A thread is started when a call
/// comes and none is idle. Signals are left to the other threads. Tasks get results from it by
/// run_in_executor() and to_thread(), in to_thread.h.
///
/// Source: concurrent.futures.ThreadPoolExecutor. Differs: the queue is bounded.
class ThreadPool {
 public:
  /// Throws: ValueError if `queue` is 0.
  explicit ThreadPool(ThreadPoolOptions options = {});
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// shutdown().
  ~ThreadPool();

  /// Calls `function()` in a thread, and destroys it there. What it throws goes to that thread's
  /// unraisable hook.
  ///
  /// Throws: QueueFull; RuntimeError after shutdown(); std::system_error if there is no thread and
  ///         none can be started.
  /// Thread: any.
  template <std::invocable F>
  void submit(F&& function) {
    submit_job(std::make_shared<detail::PlainJob<std::decay_t<F>>>(std::forward<F>(function)));
  }

  /// Takes no more calls, makes those that it has been given, and joins the threads: blocks until
  /// then. No effect the second time.
  ///
  /// Throws: RuntimeError in a thread of the pool.
  /// Thread: any other.
  void shutdown();

  /// How many there are. Thread: any.
  std::size_t threads() const;

  // For calls that a loop waits for.
  const std::shared_ptr<detail::Workers>& workers() const noexcept { return workers_; }

 private:
  void submit_job(std::shared_ptr<detail::Job> job);

  std::shared_ptr<detail::Workers> workers_;
};

}  // namespace weft
