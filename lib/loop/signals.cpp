#include "loop/signals.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include <weft/base/errors.h>

#include "base/system.h"

namespace weft::detail {

// catch_signal(): from now on a signal sets its bit in `loop.signals` and wakes the loop.
// restore_signal(): the disposition that was there before comes back.

namespace {

constexpr int kSignals = 65;  // 1 to 64

std::array<std::atomic<LoopCore*>, kSignals> targets;
std::array<struct sigaction, kSignals> previous;

std::uint64_t bit_of(int signal) noexcept { return std::uint64_t{1} << (signal - 1); }

/// Only an atomic bit and one write: nothing else is safe here.
void on_signal(int signal) {
  const int saved = errno;
  if (LoopCore* loop = targets[std::size_t(signal)].load()) {
    loop->signals.fetch_or(bit_of(signal));
    loop->woken.store(true);
    loop->selector->wake();
  }
  errno = saved;
}

void catch_signal(int signal, LoopCore& loop) {
  if (signal <= 0 || signal >= kSignals)
    throw ValueError("signal: " + std::to_string(signal) + " is not the number of one");
  LoopCore* nobody = nullptr;
  if (!targets[std::size_t(signal)].compare_exchange_strong(nobody, &loop)) {
    if (nobody == &loop) return;
    throw RuntimeError("signal " + std::to_string(signal) + " is handled by another loop");
  }
  loop.signals.fetch_and(~bit_of(signal));  // not for this handler
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  if (sigaction(signal, &action, &previous[std::size_t(signal)]) != 0) {
    targets[std::size_t(signal)] = nullptr;
    raise_errno("sigaction for signal " + std::to_string(signal));
  }
}

void restore_signal(int signal) noexcept {
  sigaction(signal, &previous[std::size_t(signal)], nullptr);
  targets[std::size_t(signal)] = nullptr;
}

}  // namespace

void set_signal_handler(LoopCore& loop, int signal, std::function<void()> function) {
  loop.check_open();
  loop.check_thread();
  catch_signal(signal, loop);
  (*loop.signal_handlers)[signal].set(loop, "handler of signal", signal, std::move(function));
}

bool drop_signal_handler(LoopCore& loop, int signal) {
  loop.check_thread();
  const auto it = loop.signal_handlers->find(signal);
  if (it == loop.signal_handlers->end()) return false;
  it->second.clear();
  loop.signal_handlers->erase(it);
  if (!loop.elsewhere) restore_signal(signal);
  return true;
}

StandingCall exchange_signal_handler(LoopCore& loop, int signal, StandingCall handler) {
  loop.check_open();
  catch_signal(signal, loop);
  return std::exchange((*loop.signal_handlers)[signal], std::move(handler));
}

bool is_pending(const LoopCore& loop, int signal) noexcept {
  return (loop.signals.load() & bit_of(signal)) != 0;
}

void forget_signals() noexcept {
  for (int signal = 1; signal < kSignals; ++signal)
    if (targets[std::size_t(signal)].load()) restore_signal(signal);
}

}  // namespace weft::detail
