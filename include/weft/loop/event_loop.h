// The event loop: callbacks, timers, descriptors, signals. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/hooks.h>
#include <weft/base/source_location.h>
#include <weft/loop/clock.h>
#include <weft/loop/handle.h>
#include <weft/loop/selector.h>

namespace weft {

/// What an exception handler is told.
struct ExceptionContext {
  std::string_view message;      ///< what went wrong: "Exception in callback"
  std::exception_ptr exception;  ///< null if none is to blame
  std::string_view name;         ///< of the task or future, if there is one
};

struct EventLoopOptions {
  std::unique_ptr<Selector> selector;  ///< none: make_selector()
  std::unique_ptr<Clock> clock;        ///< none: a MonotonicClock

  /// Debug mode: tells the exception handler of callbacks and steps of tasks that take
  /// `slow_callback` or longer by the loop's clock ("Executing <Task 'x' created at x.cpp:3> took
  /// 0.150 seconds"), and refuses calls from a wrong thread with a RuntimeError.
  bool debug = debug_mode();
  Duration slow_callback = std::chrono::milliseconds(100);
};

/// Runs callbacks, one after the other, on one thread. It knows nothing of tasks: those are
/// callbacks of the layer above.
///
/// One turn, in asyncio's order: wait for descriptors (not at all if something is ready), make
/// their callbacks ready, make due timers ready (by deadline, then first in first out), then run
/// exactly what is ready now, first in first out. What becomes ready meanwhile runs in the next
/// turn; a callback is never run inside the call that schedules it. While there is something to
/// run, up to 64 callbacks may pass before the system is asked again, and any number if there is
/// nothing to ask for: no descriptor and no timer.
///
/// In a forked child the loops of its parent are closed: each call on one of them is a RuntimeError
/// which says that it belongs to another process, and so are waits of the task that has forked, and
/// calls on sockets that such a loop watches. What signals do is as it was before a loop caught
/// them. The child may run loops of its own, or become another program; if it comes back to the
/// loop that ran, that is left by the error.
///
/// Thread: the one that runs it, except where noted.
/// Source: asyncio's event loop (Lib/asyncio/base_events.py)
class EventLoop {
 public:
  explicit EventLoop(EventLoopOptions options = {});
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Closes it. Requires: it does not run.
  ~EventLoop();

  /// Runs `function()` in the next turn.
  ///
  /// Throws: RuntimeError if the loop is closed (as all of the following do).
  template <std::invocable F>
  Handle call_soon(F&& function, SourceLocation where = SourceLocation::current()) {
    return schedule(new detail::CallbackOf<std::decay_t<F>>(std::forward<F>(function)), where);
  }

  /// Runs `function()` once `delay` has passed.
  template <std::invocable F>
  Handle call_later(Duration delay, F&& function,
                    SourceLocation where = SourceLocation::current()) {
    return call_at(saturating_add(time(), delay), std::forward<F>(function), where);
  }

  /// Runs `function()` at `when`, of this loop's time(). Equal times run first in, first out.
  template <std::invocable F>
  Handle call_at(TimePoint when, F&& function, SourceLocation where = SourceLocation::current()) {
    return schedule_at(when, new detail::CallbackOf<std::decay_t<F>>(std::forward<F>(function)),
                       where);
  }

  /// The same as call_soon(), and wakes the loop.
  ///
  /// Thread: any. The only member of which this is true.
  template <std::invocable F>
  void call_soon_threadsafe(F&& function, SourceLocation where = SourceLocation::current()) {
    schedule_from_thread(new detail::CallbackOf<std::decay_t<F>>(std::forward<F>(function)), where);
  }

  /// Calls `function()` in each turn in which `fd` is readable, in a copy of the context in which
  /// it is added. Replaces the one set before.
  ///
  /// Throws: ValueError if `fd` is negative; std::system_error if it cannot be watched: EPERM for a
  ///         regular file, which is always ready, EEXIST for one that a Socket watches.
  void add_reader(int fd, std::function<void()> function);
  /// False if there was none. Must come before `fd` is closed.
  bool remove_reader(int fd);
  void add_writer(int fd, std::function<void()> function);
  bool remove_writer(int fd);

  /// Calls `function()` in a turn after `signal` has arrived, on the loop's stack: any code may
  /// run. Signals that come together may be told once. Replaces the one set before. Its context is
  /// a copy of that in which it is added.
  ///
  /// Throws: ValueError for a number that is none; std::system_error for one that cannot be caught;
  ///         RuntimeError if another loop handles this signal.
  void add_signal_handler(int signal, std::function<void()> function);
  /// Restores what was before, and drops what has come and was not told. False if there was none.
  bool remove_signal_handler(int signal);

  /// Runs until stop(). Exceptions of callbacks go to the exception handler, but KeyboardInterrupt
  /// and SystemExit leave from here; the rest of that turn then waits for the next run.
  ///
  /// Throws: RuntimeError if this or another loop runs on this thread.
  void run_forever();

  /// The turn that is running, or else the next one, will be the last.
  void stop() noexcept;

  /// Runs one turn, and waits for at most `max_wait` if nothing is ready: for programs that own
  /// their main loop. False if there was nothing to run. What a turn makes ready runs in the next
  /// one, so a frame that is to settle calls this until it is false.
  ///
  /// Units:  of the loop's clock; Duration::max() is no limit.
  /// Throws: as run_forever().
  bool run_once(Duration max_wait = Duration::zero());

  /// When the next turn is due as far as is known: time() if something is ready, else the first
  /// timer's. None if all waits for descriptors, or there is nothing at all.
  std::optional<TimePoint> next_deadline() const noexcept;

  /// A descriptor that is readable when a turn is due before next_deadline(), for the system calls
  /// that a program waits with; -1 if the selector has none (poll). Not to be read from.
  int fileno() const noexcept;

  /// Has run() call `function()` at its end, in a task, when all other tasks have ended: it may
  /// wait. The last one is called first. If the loop is closed before, it is not called.
  void at_shutdown(std::function<void()> function);

  /// Drops all that is scheduled. Throws: RuntimeError if it runs.
  void close();

  bool is_running() const noexcept;
  bool is_closed() const noexcept;

  /// What the loop's clock shows.
  TimePoint time() const noexcept;

  /// Called with what no one else can be told. The default prints it to stderr. Null restores it.
  /// What the handler throws goes to the unraisable hook.
  void set_exception_handler(std::function<void(const ExceptionContext&)> handler);
  void call_exception_handler(const ExceptionContext& context) noexcept;

 private:
  friend detail::LoopCore& detail::core_of(EventLoop& loop) noexcept;
  struct State;

  Handle schedule(detail::Callback* callback, SourceLocation where);
  Handle schedule_at(TimePoint when, detail::Callback* callback, SourceLocation where);
  void schedule_from_thread(detail::Callback* callback, SourceLocation where);

  struct Release {
    void operator()(State* state) const noexcept;
  };
  std::unique_ptr<State, Release> state_;
};

/// The loop that runs on this thread.
///
/// Throws: RuntimeError if there is none. Source: asyncio.get_running_loop
EventLoop& get_running_loop();

}  // namespace weft
