// Coroutines that run side by side. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <weft/task/future.h>
#include <weft/task/task_base.h>

namespace weft {

/// A coroutine that an event loop runs, beside others, on a stack of its own. It is a future too:
/// await it for what its function returned. The loop keeps it alive until it has ended.
///
/// Thread: the loop's. Source: asyncio.Task
template <class T = void>
class Task : public Future<T> {
 public:
  /// Requests that CancelledError be thrown into the task: where it waits, in the next turn, or
  /// where it waits next. The task may clean up, and may refuse by not letting the error pass.
  /// False if it has ended.
  bool cancel(const CancelMessage& message = {}) const { return this->state_->cancel(message); }

  /// How often cancel() was called, less the uncancel()s.
  int cancelling() const noexcept { return half().cancel_requests; }
  /// Takes one request out of the count, not below 0, and gives what is left: for those who have
  /// caught the CancelledError. One that has not been thrown yet is thrown all the same.
  int uncancel() const noexcept { return half().take_cancel_back(); }

  std::string name() const { return half().task_name(); }
  void set_name(std::string name) const { half().rename(std::move(name)); }

 private:
  friend struct detail::Access;
  explicit Task(detail::TaskOf<T>* state) noexcept : Future<T>(state) {}
  detail::TaskBase& half() const noexcept { return static_cast<detail::TaskOf<T>&>(*this->state_); }
};

/// Any task, of whatever result: what current_task() and all_tasks() give.
class AnyTask {
 public:
  using Result = void;

  explicit AnyTask(detail::TaskBase& task) noexcept : task_(&task) { detail::retain(task.future); }
  template <class T>
  AnyTask(const Task<T>& task) noexcept : AnyTask(*detail::Access::state(task)->task()) {}
  AnyTask(const AnyTask& other) noexcept : AnyTask(*other.task_) {}
  AnyTask& operator=(AnyTask other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~AnyTask() { detail::release(&task_->future); }

  std::string name() const { return task_->task_name(); }
  bool done() const noexcept { return task_->future.done(); }
  bool cancelled() const noexcept { return task_->future.state == detail::FutureState::Cancelled; }
  bool cancel(const CancelMessage& message = {}) const { return task_->future.cancel(message); }
  int cancelling() const noexcept { return task_->cancel_requests; }
  int uncancel() const noexcept { return task_->take_cancel_back(); }
  /// For scopes that cancel the task in which they are, as timeout() does: uncancel(), and if no
  /// request is left, an error that has not been thrown yet is not thrown. (A call that could not
  /// be broken off may have left it to the next wait.)
  int withdraw_cancel() const noexcept { return task_->withdraw_cancel(); }
  std::exception_ptr exception() const { return task_->future.exception(); }

  /// Throws what it ended with, if that is no result. InvalidStateError if it has not.
  void result() const { task_->future.check_result(); }

  /// As Future::await(), without the result.
  void await() const { AnyFuture(*this).await(); }

  operator AnyFuture() const noexcept { return AnyFuture(task_->future); }

  /// How deep its stack has been used since the memory of that was last given back: more than it
  /// has used itself, if the stack came warm from the pool. 0 while it has none: before its first
  /// step, and at its end.
  ///
  /// Units:  bytes, in whole pages. Throws: std::system_error that names mincore.
  std::size_t stack_used() const { return task_->stack_used(); }

  /// What it waits for, as "sleep" or "Event.wait"; empty if it can run.
  std::string_view waits_for() const noexcept {
    return task_->awaited && task_->reason ? task_->reason : "";
  }

  friend bool operator==(const AnyTask& a, const AnyTask& b) noexcept = default;

 private:
  detail::TaskBase* task_;
};

namespace detail {

template <class R>
Task<R> start_task(Routine* body, TaskOptions&& options) {
  auto* state = new TaskOf<R>(loop_of(options));
  auto task = Access::make<Task<R>>(state);
  state->start(body, &state->result, std::move(options));
  return task;
}

template <class T>
inline constexpr bool kIsFuture<Task<T>> = true;
template <class T>
inline constexpr bool kAwaitsPlainly<Task<T>> = true;
template <>
inline constexpr bool kAwaitsPlainly<AnyTask> = true;

}  // namespace detail

/// Runs `function(args...)` as a task, beginning in the next turn. Function and arguments are
/// copied or moved into the task, as std::thread does it: std::ref() for a reference.
///
/// It has no stack until it begins. If none can be had then, the task ends with that error: a
/// std::system_error which names mmap or mprotect; the others are not concerned.
///
/// Throws: RuntimeError if no loop is named, and none runs on this thread; ValueError that names
///         `size` or `guard`.
/// Source: asyncio.create_task
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
auto create_task(TaskOptions options, F&& function, Args&&... args) {
  using R = std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>...>;
  detail::loop_of(options);
  const StackOptions stack = options.stack;
  if (stack != StackOptions{}) detail::check_stack(stack);
  detail::Routine* const body = detail::make_fleeting<detail::CoroutineCaller<R>>(
      detail::RoutineKind::Coroutine,
      [f = std::decay_t<F>(std::forward<F>(function)),
       stored = std::make_tuple(std::decay_t<Args>(std::forward<Args>(args))...)]() mutable -> R {
        return std::apply(f, std::move(stored));
      });
  body->stack_options = stack;
  return detail::start_task<R>(body, std::move(options));
}
template <class F, class... Args>
  requires(sizeof...(Args) > 0) && std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
auto create_task(F&& function, Args&&... args) {
  return create_task(TaskOptions{.where = {}}, std::forward<F>(function),
                     std::forward<Args>(args)...);
}
template <class F>
  requires std::invocable<std::decay_t<F>&>
auto create_task(F&& function, SourceLocation where = SourceLocation::current()) {
  return create_task(TaskOptions{.where = where}, std::forward<F>(function));
}

/// Runs a coroutine object as a task. Throws: also RuntimeError if it has started, and a stack is
/// asked for.
template <class R>
Task<R> create_task(TaskOptions options, Coroutine<R>&& coroutine) {
  detail::loop_of(options);
  if (options.stack != StackOptions{}) coroutine.set_stack(options.stack);
  return detail::start_task<R>(detail::Access::take(coroutine), std::move(options));
}
template <class R>
Task<R> create_task(Coroutine<R>&& coroutine, SourceLocation where = SourceLocation::current()) {
  return create_task(TaskOptions{.where = where}, std::move(coroutine));
}

/// The task that calls this. Throws: RuntimeError if it is called from a callback or outside a
/// loop.
AnyTask current_task();

/// The tasks of the running loop that have not ended, in order of creation.
std::vector<AnyTask> all_tasks();
std::vector<AnyTask> all_tasks(EventLoop& loop);

}  // namespace weft
