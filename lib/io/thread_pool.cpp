#include <weft/io/thread_pool.h>

#include <algorithm>
#include <system_error>

#include <weft/base/errors.h>
#include <weft/sync/queue.h>

#include "io/signals_blocked.h"
#include "io/workers.h"

namespace weft {

namespace detail {

namespace {

constinit thread_local const Workers* workers_of_this_thread = nullptr;

/// Python's choice: enough to overlap waits, not so many that they are in each other's way.
std::size_t default_threads() noexcept {
  constexpr std::size_t kMost = 32;
  constexpr std::size_t kBesides = 4;
  return std::min(kMost, std::size_t(std::thread::hardware_concurrency()) + kBesides);
}

}  // namespace

Workers::Workers(const ThreadPoolOptions& options)
    : most_(options.threads ? options.threads : default_threads()), capacity_(options.queue) {
  if (options.queue == 0) throw ValueError("queue: it is 0, and no call could wait");
}

bool Workers::enqueue(std::shared_ptr<Job> job, WhenFull when_full) {
  const std::lock_guard lock(mutex_);
  if (closed_) throw RuntimeError("cannot schedule new futures after shutdown");
  const bool full = queue_.size() >= capacity_ + (most_ - busy_);
  if (full && when_full == WhenFull::Throw)
    throw QueueFull("submit: as many calls wait for a thread as may");
  Job& it = *job;
  it.was_late_ = full;
  it.place_ = queue_.insert(queue_.end(), std::move(job));
  it.state_.store(Job::State::Queued, std::memory_order_release);
  if (idle_ >= queue_.size()) {
    has_work_.notify_one();
  } else if (threads_.size() < most_) {
    try {
      start_thread();
    } catch (const std::system_error&) {
      if (threads_.empty()) {
        it.state_.store(Job::State::New, std::memory_order_release);
        queue_.erase(it.place_);
        throw;
      }
    }
  }
  return !full;
}

bool Workers::withdraw(Job& job) {
  std::shared_ptr<Job> owner;  // goes when the mutex is free
  const std::lock_guard lock(mutex_);
  if (job.state() != Job::State::Queued) return job.state() == Job::State::Withdrawn;
  owner = std::move(*job.place_);
  queue_.erase(job.place_);
  job.state_.store(Job::State::Withdrawn, std::memory_order_release);
  return true;
}

void Workers::start_thread() {
  const SignalsBlocked blocked;
  threads_.emplace_back([this] { work(); });
}

void Workers::work() {
  workers_of_this_thread = this;
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    has_work_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    ++busy_;
    const bool was_late = job->was_late_;
    job->state_.store(Job::State::Running, std::memory_order_release);
    lock.unlock();
    if (was_late) job->begun();
    job->call();
    job->state_.store(Job::State::Done, std::memory_order_release);
    job->state_.notify_all();
    Job& it = *job;
    it.done(std::move(job));
    job.reset();
    lock.lock();
    --busy_;
  }
}

void Workers::shutdown() {
  if (workers_of_this_thread == this)
    throw RuntimeError("shutdown: called in a thread of the pool, which cannot join itself");
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    threads.swap(threads_);
  }
  has_work_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

std::size_t Workers::threads() const {
  const std::lock_guard lock(mutex_);
  return threads_.size();
}

}  // namespace detail

ThreadPool::ThreadPool(ThreadPoolOptions options)
    : workers_(std::make_shared<detail::Workers>(options)) {}

ThreadPool::~ThreadPool() { shutdown(); }

void ThreadPool::submit_job(std::shared_ptr<detail::Job> job) {
  workers_->enqueue(std::move(job), detail::Workers::WhenFull::Throw);
}

void ThreadPool::shutdown() { workers_->shutdown(); }

std::size_t ThreadPool::threads() const { return workers_->threads(); }

}  // namespace weft
