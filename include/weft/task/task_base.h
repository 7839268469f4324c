// The untyped half of tasks. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <weft/base/records.h>
#include <weft/base/source_location.h>
#include <weft/coro/routine.h>
#include <weft/task/context_var.h>
#include <weft/task/future.h>

namespace weft {

/// How a task is made.
struct TaskOptions {
  std::string name = {};      ///< empty: "Task-N"
  EventLoop* loop = nullptr;  ///< null: the one that runs on this thread
  StackOptions stack = {};    ///< the default leaves a coroutine object the one it was given

  /// The first step runs at once, inside create_task(), which returns when the task waits for the
  /// first time, or has ended. Only while the loop runs; else it begins in the next turn. (3.12)
  bool eager_start = false;

  /// What it runs in: none is a copy of the present one.
  std::optional<Context> context = {};

  /// Where the task was made, for reports.
  SourceLocation where = SourceLocation::current();
};

namespace detail {

/// A coroutine that a loop drives. It is its own node in the ready queue.
///
/// What a yield_now() touches comes first, and touches nothing else of the task: when a thousand of
/// them take turns, each cache line counts.
struct alignas(kRecordAlignment) TaskBase : Runnable {
  Routine* routine = nullptr;     // null once it has ended
  Context context;                // where it stands in a yield
  bool must_cancel = false;       // cancel() came while nothing could be told
  bool direct = false;            // nobody else knows the routine, and it runs by itself
  bool passes_cancel_on = false;  // to what it waits for
  std::uint8_t pinned = 0;        // a yield must not just switch: counts the reasons
  std::uint32_t steps = 0;
  FutureBase& future;            // the other half of the same object
  Awaited* awaited = nullptr;    // what it waits for
  const char* reason = nullptr;  // why it waits
  int cancel_requests = 0;
  std::uint32_t number = 0;  // of the default name
  std::unique_ptr<std::string> cancel_message;
  std::exception_ptr step_error;  // to be raised in the next step
  std::unique_ptr<std::string> given_name;
  ContextRef variables;
  TaskBase* previous_task = nullptr;
  TaskBase* next_task = nullptr;

  explicit TaskBase(FutureBase& half) noexcept : Runnable(&TaskBase::step), future(half) {}

  /// Takes over the routine; the first step runs in the next turn, or eagerly. The loop holds a
  /// reference until the task has ended.
  void start(Routine* body, void* result, TaskOptions&& options);

  bool request_cancel(const CancelMessage& message);
  int take_cancel_back() noexcept;
  /// The same, and if none is left, an error that has not been thrown yet is not.
  int withdraw_cancel() noexcept;
  void rename(std::string name);
  std::string task_name() const;
  std::size_t stack_used() const;
  CancelMessage message() const;
  bool pass_cancel_on(const CancelMessage& message);
  LoopCore& loop() const noexcept { return *future.loop; }
  void make_ready() noexcept { loop().ready.push(*this); }

  static void step(Runnable* self);
  static void step_in_debug(Runnable* self);
  static void yielded_step(Runnable* self);

 private:
  void start_eagerly();
};

/// Of a task that is ready: it stands at a yield_now() of its own body, and nothing but a switch is
/// needed to run it. Its routine has not been told that it does not run. Once it runs it means
/// nothing.
inline bool is_yielded(const Runnable& runnable) noexcept {
  return runnable.run == &TaskBase::yielded_step;
}

template <class T>
struct TaskOf final : FutureOf<T>, TaskBase {
  explicit TaskOf(LoopCore& core) : FutureOf<T>(core), TaskBase(static_cast<FutureBase&>(*this)) {}
  bool cancel(const CancelMessage& message) override { return request_cancel(message); }
  std::string name() const override { return task_name(); }
  TaskBase* task() noexcept override { return this; }

  static void* operator new(std::size_t size) { return take_record(size, alignof(TaskOf)); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    return_record(memory, size, alignof(TaskOf));
  }
};

/// The loop that a task is made for. Throws: RuntimeError if none is named, and none runs.
LoopCore& loop_of(const TaskOptions& options);

/// The task in whose name the code runs that calls this; null in callbacks and outside a loop.
inline TaskBase* current_task_base() noexcept {
  return running_loop ? running_loop->current : nullptr;
}

/// The task, if the innermost running coroutine is its own; null if that is driven by hand.
/// Throws: RuntimeError outside a coroutine.
TaskBase* task_at_the_door();

/// Suspends the task until make_ready(). Throws what was thrown into it meanwhile.
void park(TaskBase& task, Awaited* awaited, const char* reason);

/// The same until the future is done. Errors of its use come in the next turn, as in asyncio.
void wait_in_task(TaskBase& task, FutureBase& future);

/// The rest of yield_now(), for a task that stands in the ready queue again; null if the code that
/// yields is not simply a task's own body.
void yield_slowly(TaskBase* task);

/// Behind a yield that was not ended by another one's: throws what was thrown into the coroutine.
/// It may be a task's no longer, but closed with its loop.
void take_mail();

/// From what a switch saves to the frames behind it: its line, and the red zone.
inline constexpr int kToFrames = 64 + 128;

/// To be called one turn ahead: then the frames are in the cache when they are returned to, and the
/// task behind is when its stack is asked for.
[[gnu::always_inline]] inline void prefetch_stack(const Runnable& next) noexcept {
  if (!is_yielded(next)) return;
  const auto* saved = static_cast<const std::byte*>(static_cast<const TaskBase&>(next).context.sp);
  __builtin_prefetch(next.next);
  __builtin_prefetch(saved);
  for (int line = 0; line < 2; ++line) __builtin_prefetch(saved + kToFrames + 64 * line);
}

/// Leaves a task that stands in the ready queue, as yielded, for the first one there, which is
/// yielded too.
[[gnu::always_inline]] inline void run_yielded(LoopCore& loop, TaskBase& task) {
  auto* next = static_cast<TaskBase*>(loop.ready.pop());
  ++loop.handled;
  ++next->steps;
  if (next == &task) return;
  prefetch_stack(*loop.ready.front());
  loop.current = next;
  coro_thread.drive = next->routine;
  switch_context(task.context, next->context);
  if (!is_yielded(task)) [[unlikely]]
    take_mail();
}

/// Suspends a coroutine that is driven by hand, until its driver goes on; `future` is what it
/// waits for, null for a bare yield.
void trap_future(FutureBase* future);

}  // namespace detail

}  // namespace weft
