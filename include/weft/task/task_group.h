// Tasks that end with the block that made them. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/task/task.h>

namespace weft {

/// The tasks of one task_group(). The first that fails has the others, and the body, cancelled.
///
/// Thread: the loop's. Source: asyncio.TaskGroup
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Tasks that still run (only if the body's task was destroyed) go on, and nobody waits for them.
  ~TaskGroup();

  /// Starts a task that belongs to the group: of a function or a coroutine.
  ///
  /// Throws: RuntimeError if the group has not been entered, has ended, or is being cancelled: a
  ///         coroutine then stays with the caller. As weft::create_task().
  template <class What>
  auto create_task(What&& what, SourceLocation where = SourceLocation::current()) {
    return create_task(TaskOptions{.where = where}, std::forward<What>(what));
  }
  template <class F, class... Args>
    requires(sizeof...(Args) > 0) && std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
  auto create_task(F&& function, Args&&... args) {
    return create_task(TaskOptions{.where = {}}, std::forward<F>(function),
                       std::forward<Args>(args)...);
  }
  template <class What, class... Args>
  auto create_task(TaskOptions options, What&& what, Args&&... args) {
    check_open();
    auto task = weft::create_task(std::move(options), std::forward<What>(what),
                                  std::forward<Args>(args)...);
    adopt(*detail::Access::state(task));
    return task;
  }

  /// Cancels the body, if it still runs, and all tasks that have not ended. The block then ends as
  /// usual, without CancelledError. Before the body is entered: it will be cancelled where it waits
  /// first. No effect once the block has ended.
  ///
  /// Source: TaskGroup.cancel (3.15)
  void cancel();

  // For task_group(): around the body.
  void enter();
  /// Suspends: until all tasks have ended. Throws: the errors.
  void leave(std::exception_ptr error);

 private:
  class Completion;
  struct Child;

  void check_open() const;
  void adopt(detail::FutureBase& task);
  void cancel_tasks();
  void cancel_parent();
  void wait_for_tasks(std::exception_ptr& cancelled);
  void task_done(detail::FutureBase& task);
  void note_base_error(const std::exception_ptr& error);
  static void child_done(detail::Runnable* self);

  bool entered_ = false;
  bool exiting_ = false;
  bool aborting_ = false;
  bool parent_cancelled_ = false;
  std::optional<AnyTask> parent_;
  Child* first_ = nullptr;  // those that run, in order of creation
  Child* last_ = nullptr;
  Completion* completion_ = nullptr;  // while leave() waits
  std::vector<std::exception_ptr> errors_;
  std::exception_ptr base_error_;  // KeyboardInterrupt or SystemExit: goes before all others
};

/// Runs `body()` or `body(TaskGroup&)`, then waits until all tasks of the group have ended. If the
/// body returns a value, a std::optional of it is returned: empty if TaskGroup::cancel() ended the
/// body.
///
///     task_group([&](TaskGroup& group) {
///       group.create_task(fetch, first);
///       group.create_task(fetch, second);
///     });
///
/// If the body or a task fails, all others are cancelled, in order of creation. Once they have
/// ended, all failures are thrown in one ExceptionGroup; those that were merely cancelled are not
/// among them. KeyboardInterrupt and SystemExit are thrown as they are.
///
/// Suspends:  as the body does, then until all tasks have ended.
/// Cancelled: the tasks are cancelled and awaited, then CancelledError is thrown; but errors that
///            come up meanwhile go before it.
/// Throws:    ExceptionGroup, or BaseExceptionGroup, 'unhandled errors in a TaskGroup'.
///            RuntimeError outside a task, or if the group has been entered before.
/// Source:    asyncio.TaskGroup
template <class F>
auto task_group(TaskGroup& group, F&& body) {
  const auto call = [&]() -> decltype(auto) {
    if constexpr (std::invocable<F&, TaskGroup&>)
      return body(group);
    else
      return body();
  };
  using R = std::decay_t<decltype(call())>;
  detail::ResultSlot<R> result;
  std::exception_ptr error;
  group.enter();
  try {
    if constexpr (std::is_void_v<R>)
      call();
    else
      result.emplace(call());
  } catch (...) {
    error = std::current_exception();
  }
  group.leave(std::move(error));
  if constexpr (!std::is_void_v<R>) return result;
}
template <class F>
auto task_group(F&& body) {
  TaskGroup group;
  return task_group(group, std::forward<F>(body));
}

}  // namespace weft
