// Signals that tasks wait for. Layer: os.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>

namespace weft {

/// Catches signals while it lives, for tasks that wait for them:
///
///     SignalReceiver stop({SIGINT, SIGTERM});
///     Server server = start_server(...);
///     stop.wait();
///     server.drain(10s);
///
/// What comes is kept until a task takes it; of one signal that comes several times meanwhile, one.
/// Each goes to one task, the first that waits for it, also if several receivers of a loop catch
/// the same. While it is caught it is not told to the handler that the loop has for it, such as
/// run()'s for Ctrl-C; afterwards it is again. One that is added meanwhile takes its place.
///
/// None is lost: a signal that nobody has taken when its last receiver goes is raised again then,
/// and does what it did before.
///
/// Thread: the loop's. Source: trio.open_signal_receiver
class SignalReceiver {
 public:
  /// Throws: as EventLoop::add_signal_handler(); RuntimeError outside a loop.
  explicit SignalReceiver(std::initializer_list<int> signals);
  SignalReceiver(const SignalReceiver&) = delete;
  SignalReceiver& operator=(const SignalReceiver&) = delete;
  ~SignalReceiver();

  /// The number of a signal that has come; of several, the one that stands first in the list.
  ///
  /// Suspends:  until one comes; not at all if one is there.
  /// Cancelled: CancelledError; one that has come is kept for the next who waits.
  /// Throws:    RuntimeError outside a task, or in another loop.
  int wait();

  /// For async_for(), without an end: the next one. Waits.
  int anext() { return wait(); }

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Waits for one of these signals, and returns its number. They are caught from the call to its
/// end only: to miss none before and after, or to wait for several, use a SignalReceiver.
///
///     wait_signal(SIGINT, SIGTERM);
///
/// Suspends:  until one comes.
/// Cancelled: CancelledError; one that has come in that turn is raised again.
/// Throws:    as SignalReceiver's.
template <std::same_as<int>... Others>
int wait_signal(int signal, Others... others) {
  return SignalReceiver({signal, others...}).wait();
}

}  // namespace weft
