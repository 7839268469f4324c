// The inside of a thread pool. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <weft/io/job.h>
#include <weft/io/thread_pool.h>

namespace weft::detail {

/// The queue and the threads. Any thread may call it.
class Workers {
 public:
  explicit Workers(const ThreadPoolOptions& options);

  enum class WhenFull : unsigned char { Throw, Queue };

  /// Returns false if the queue was full, and the job stands in it nevertheless: Job::begun() will
  /// tell when a thread takes it.
  /// Throws: QueueFull, RuntimeError, std::system_error; then the job is not queued.
  bool enqueue(std::shared_ptr<Job> job, WhenFull when_full);

  /// False if a thread has taken it already.
  bool withdraw(Job& job);

  void shutdown();
  std::size_t threads() const;

 private:
  void start_thread();
  void work();

  const std::size_t most_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable has_work_;
  // All under the mutex.
  std::list<std::shared_ptr<Job>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;  // threads that wait for a job, or were woken for one
  std::size_t busy_ = 0;
  bool closed_ = false;
};

}  // namespace weft::detail
