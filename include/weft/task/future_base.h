// The untyped half of futures and tasks. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <weft/loop/core.h>
#include <weft/loop/event_loop.h>

namespace weft {

/// The argument of cancel(); travels with the CancelledError.
using CancelMessage = std::optional<std::string>;

namespace detail {

enum class FutureState : std::uint8_t { Pending, Cancelled, Finished };

/// What a task waits for. Lives in the frame of the wait, or is a future.
struct Awaited {
  /// The task is to be cancelled. True if this makes the task run, with the cancellation to be
  /// found here; false if it is on its way already.
  virtual bool cancel_wait(const CancelMessage& message) = 0;

  /// The task's coroutine went on without it. True if the task would still have been woken: it is
  /// not any more.
  virtual bool withdraw(TaskBase& task) noexcept = 0;

  /// It will throw a CancelledError of its own when the task goes on.
  virtual bool throws_cancelled() const noexcept = 0;

 protected:
  ~Awaited() = default;
};

struct FutureBase;

/// A callback of a future: keeps the future from the moment in which that is done.
struct DoneCallback : Callback {
  FutureBase* future = nullptr;

  DoneCallback() noexcept { run = &DoneCallback::run_done; }
  static void run_done(Runnable* self);
};

/// A result to come. Counted; handles, waiting tasks and loops hold references.
struct FutureBase : Awaited {
  std::uint32_t references = 1;
  FutureState state = FutureState::Pending;
  bool unretrieved = false;  // holds an exception that nobody has asked for
  bool error_goes = false;   // only the first who asks is given it; the others, one without message
  bool ignored = false;      // nobody ever will
  bool has_message = false;  // was cancelled with a message, and not by its coroutine
  LoopCore* loop;
  std::exception_ptr error;  // of a finished one; of a cancelled one, the CancelledError

  explicit FutureBase(LoopCore& core) noexcept : loop(&core) { retain(core); }
  FutureBase(const FutureBase&) = delete;
  FutureBase& operator=(const FutureBase&) = delete;
  virtual ~FutureBase();

  bool done() const noexcept { return state != FutureState::Pending; }

  /// What Future::cancel() and Task::cancel() do.
  virtual bool cancel(const CancelMessage& message);
  virtual std::string name() const { return {}; }
  virtual TaskBase* task() noexcept { return nullptr; }
  bool cancel_wait(const CancelMessage& message) final { return cancel(message); }
  bool withdraw(TaskBase& task) noexcept final;
  bool is_cancelled() const noexcept { return state == FutureState::Cancelled; }
  bool throws_cancelled() const noexcept final;

  /// Throws: InvalidStateError if it is done; RuntimeError that names `operation` for a task.
  void check_settable(const char* operation);
  /// The result is in place.
  void finish();
  void fail(std::exception_ptr exception);
  void set_exception(std::exception_ptr exception);
  void finish_cancelled(std::exception_ptr cancelled);

  /// Becomes ready, in order of arrival, when the future is done; at once if it is.
  void add_callback(Runnable& runnable) noexcept;
  /// Throws: RuntimeError if the callback were ready, and the loop is closed.
  Handle add_done_callback(std::unique_ptr<DoneCallback> callback);
  bool remove_callback(const Runnable& runnable) noexcept { return callbacks_.remove(runnable); }
  /// False if the callback is on its way or has run.
  bool remove_done_callback(const Handle& handle) noexcept;

  /// What it failed with, for somebody who passes it on; null if it has a result.
  std::exception_ptr take_error();
  /// A CancelledError with the message of a task's cancellation, if it still has that.
  std::exception_ptr make_cancelled();
  /// Throws what the future ended with. Throws: InvalidStateError if it is pending.
  void check_result();
  /// The exception or null. Throws: CancelledError, InvalidStateError.
  std::exception_ptr exception();

  /// Suspends the current coroutine until the future is done.
  void wait();

 private:
  void make_callbacks_ready() noexcept;

  ReadyQueue callbacks_;
};

inline void retain(FutureBase& future) noexcept { ++future.references; }
void release(FutureBase* future) noexcept;

/// The running loop. Throws: RuntimeError that names `call` if there is none.
LoopCore& require_loop(const char* call);

}  // namespace detail

}  // namespace weft
