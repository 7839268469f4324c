// From main() into a loop. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
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

  /// Makes the task with `create`, runs it to its end, then cancels and awaits what is left.
  void run(FutureBase& (*create)(void*), void* argument);

 private:
  void clear_up();
  void cancel_all_tasks();
  void close_generators();
  void call_at_shutdown();

  EventLoop loop_;
};

}  // namespace detail

/// Runs `main()` as the first task of a new loop, and gives its result. At the end all tasks that
/// are left are cancelled and awaited, asynchronous generators are closed, what
/// EventLoop::at_shutdown() was given is called, and then the loop is closed.
///
/// Ctrl-C cancels the main task; if that ends by the cancellation, or had ended by then,
/// KeyboardInterrupt is thrown from here. The second Ctrl-C kills the process. Programs that handle SIGINT themselves are left
/// alone.
///
/// Throws: what `main` throws; KeyboardInterrupt; RuntimeError if a loop runs on this thread
/// already. Thread: any that runs no loop; Ctrl-C is looked after in the first one of the process
/// only. Source: asyncio.run
template <class F>
auto run(EventLoopOptions options, F&& main) {
  using Made = decltype(create_task(std::forward<F>(main)));
  struct Body {
    F& main;
    std::optional<Made> task;
  } body{main, {}};
  detail::RunScope scope(std::move(options));
  scope.run(
      [](void* argument) -> detail::FutureBase& {
        Body& it = *static_cast<Body*>(argument);
        it.task.emplace(create_task({.name = "main", .where = {}}, std::forward<F>(it.main)));
        return *detail::Access::state(*it.task);
      },
      &body);
  return detail::Access::state(*body.task)->take(true);
}
template <class F>
auto run(F&& main) {
  return run(EventLoopOptions{}, std::forward<F>(main));
}

template <class T>
T run_until_complete(EventLoop& loop, const Future<T>& future) {
  detail::run_until_done(detail::core_of(loop), *detail::Access::state(future));
  return future.result();
}

}  // namespace weft
