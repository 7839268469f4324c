// From main() into a loop. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>
#include <utility>

#include <weft/task/task.h>

namespace weft {

/// Runs `loop` until `future` is done, and gives its result.
///
/// Throws: what the future ended with; RuntimeError if the loop stops before.
/// Source: loop.run_until_complete
template <class T>
T run_until_complete(EventLoop& loop, const Future<T>& future);

namespace detail {

void run_until_done(LoopCore& loop, FutureBase& future);

/// The frame of run(): a loop, Ctrl-C, and the clearing up behind the main task.
class RunScope {
 public:
  explicit RunScope(EventLoopOptions&& options) : loop_(std::move(options)) {}
  EventLoop& loop() noexcept { return loop_; }

  /// Makes the task with `create`, and runs it to its end.
  void run_main(FutureBase& (*create)(void*), void* argument);
  /// Cancels and awaits what is left, and closes asynchronous generators.
  void clear_up();

 private:
  void cancel_all_tasks();
  void close_generators();
  void call_at_shutdown();

  EventLoop loop_;
};

/// `clear_up`: behind main, whatever that ends with.
template <class F>
auto run_main_in(RunScope& scope, TaskOptions options, F&& main, bool clear_up) {
  using Made = decltype(create_task(std::forward<F>(main)));
  struct Body {
    F& main;
    TaskOptions options;
    std::optional<Made> task;
  } body{main, std::move(options), {}};
  const auto create = [](void* argument) -> FutureBase& {
    Body& it = *static_cast<Body*>(argument);
    it.task.emplace(create_task(std::move(it.options), std::forward<F>(it.main)));
    return *Access::state(*it.task);
  };
  try {
    scope.run_main(create, &body);
  } catch (...) {
    if (clear_up) scope.clear_up();
    throw;
  }
  if (clear_up) scope.clear_up();
  return Access::state(*body.task)->take(true);
}

}  // namespace detail

/// Runs `main()` as the first task of a new loop, and gives its result. At the end all tasks that
/// are left are cancelled and awaited, asynchronous generators are closed, what
/// EventLoop::at_shutdown() was given is called, and then the loop is closed.
///
/// Ctrl-C cancels the main task; if that ends by the cancellation, or had ended by then,
/// KeyboardInterrupt is thrown from here. The second Ctrl-C kills the process. Programs that handle
/// SIGINT themselves are left alone.
///
/// Throws: what `main` throws; KeyboardInterrupt; RuntimeError if a loop runs on this thread
/// already. Thread: any that runs no loop; Ctrl-C is looked after in the first one of the process
/// only. Source: asyncio.run
template <class F>
auto run(EventLoopOptions options, F&& main) {
  detail::RunScope scope(std::move(options));
  return detail::run_main_in(scope, {.name = "main", .where = {}}, std::forward<F>(main), true);
}
template <class F>
auto run(F&& main) {
  return run(EventLoopOptions{}, std::forward<F>(main));
}

/// Several runs on one loop, one after the other. They share a context: what one sets, the next one
/// sees.
///
///     Runner runner;
///     runner.run(prepare);
///     runner.run(serve);
///
/// Thread: one that runs no loop. Source: asyncio.Runner
class Runner {
 public:
  explicit Runner(EventLoopOptions options = {}) : scope_(std::in_place, std::move(options)) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// close(); what that throws goes to the unraisable hook.
  ~Runner();

  /// Runs `main()` to its end, as run() does, but leaves tasks that it has made to the next run.
  ///
  /// Throws: as run(); RuntimeError if the runner is closed.
  template <class F>
  auto run(F&& main) {
    return run(TaskOptions{.name = "main", .where = {}}, std::forward<F>(main));
  }
  /// The same with options for the main task, for instance a context of its own.
  template <class F>
  auto run(TaskOptions options, F&& main) {
    if (!options.context) options.context = context_;
    return detail::run_main_in(scope(), std::move(options), std::forward<F>(main), false);
  }

  /// For callbacks and handlers between the runs. Throws: RuntimeError if the runner is closed.
  EventLoop& get_loop() { return scope().loop(); }

  /// Cancels and awaits what is left, as run() does at its end, and closes the loop. No effect the
  /// second time.
  void close();

 private:
  detail::RunScope& scope();

  std::optional<detail::RunScope> scope_;
  Context context_ = copy_context();
};

template <class T>
T run_until_complete(EventLoop& loop, const Future<T>& future) {
  detail::run_until_done(detail::core_of(loop), *detail::Access::state(future));
  return future.result();
}

}  // namespace weft
