// Calls in threads that tasks wait for. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weft/io/thread_call.h>
#include <weft/io/thread_pool.h>
#include <weft/task/context_var.h>
#include <weft/task/future.h>
#include <weft/task/task_base.h>

namespace weft {

namespace detail {

/// A function that is called in a copy of the context in which this was made.
template <class F>
struct InCopiedContext {
  F function;
  weft::Context context = weft::copy_context();

  template <class... Args>
  decltype(auto) operator()(Args&&... args) {
    return context.run(
        [&]() -> decltype(auto) { return std::invoke(function, std::forward<Args>(args)...); });
  }
};

}  // namespace detail

/// How to_thread() makes its call.
struct ToThreadOptions {
  /// A cancelled task leaves the call alone in its thread at once, instead of waiting for its end.
  bool abandon_on_cancel = false;
  ThreadPool* pool = nullptr;  ///< null: the loop's own
};

/// Calls `function(args...)` in a thread, and gives its result: for what blocks, or computes for
/// long. Function and arguments are copied or moved, as std::thread does it, and destroyed in the
/// loop's thread. In the other thread nothing of weft may be used that has no `Thread:` line.
/// Context variables have the caller's values there; what is set there is not seen elsewhere.
///
/// Suspends:  until the call has ended.
/// Cancelled: CancelledError at once if the call has not begun: it is not made. Otherwise once it
///            has ended, so that it may refer to what the caller owns; with `abandon_on_cancel` at
///            once, and then it may not. What it gives or throws is lost.
/// Throws:    what the call throws; RuntimeError outside a task, and once run() has begun to shut
///            the loop's pool down.
/// Source:    asyncio.to_thread. Differs: that always abandons.
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
auto to_thread(ToThreadOptions options, F&& function, Args&&... args) {
  auto call = detail::make_call("to_thread", options.pool,
                                detail::InCopiedContext<std::decay_t<F>>{std::forward<F>(function)},
                                std::forward<Args>(args)...);
  using R = typename decltype(call)::element_type::Result;
  detail::task_at_the_door();
  const detail::ThreadCall::End end(*call, !options.abandon_on_cancel);
  return detail::start_call<R>(call, !options.abandon_on_cancel).await();
}
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
auto to_thread(F&& function, Args&&... args) {
  return to_thread(ToThreadOptions{}, std::forward<F>(function), std::forward<Args>(args)...);
}

/// Has `pool` call `function(args...)`, and gives a future of the result. A future that is
/// cancelled takes a call back that has not begun, and leaves one that has alone: so what the call
/// refers to must outlive it. It has the context of its thread, not the caller's.
///
/// Suspends:  while as many calls wait for a thread as may: until this one begins.
/// Cancelled: CancelledError; the call is not made, unless it has begun.
/// Throws:    RuntimeError after `pool.shutdown()`, or outside a task if it would wait.
/// Source:    loop.run_in_executor
template <class F, class... Args>
  requires std::invocable<std::decay_t<F>&, std::decay_t<Args>...>
auto run_in_executor(ThreadPool& pool, F&& function, Args&&... args) {
  auto call = detail::make_call("run_in_executor", &pool, std::forward<F>(function),
                                std::forward<Args>(args)...);
  using R = typename decltype(call)::element_type::Result;
  detail::ThreadCall& it = *call;
  Future<R> future = detail::start_call<R>(call, false);
  it.wait_for_room();
  return future;
}

/// The loop's own pool, for to_thread(); made when it is first asked for. run() shuts it down at
/// its end and waits for its calls, while the loop still runs; a loop that is closed without does
/// so too, but blocks.
///
/// Throws: RuntimeError outside a loop, and after that shutdown.
/// Source: the default executor of asyncio's loops
ThreadPool& default_pool();

/// Has it made with `options`. Throws: RuntimeError if it has been made, or outside a loop.
void set_default_pool(ThreadPoolOptions options);

}  // namespace weft
