#include "loop/signals.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>

#include <weft/base/errors.h>

#include "base/system.h"

namespace weft::detail {

namespace {

constexpr int kSignals = 65;  // 1 to 64

std::array<std::atomic<LoopCore*>, kSignals> targets;
std::array<struct sigaction, kSignals> previous;

/// Only an atomic bit and one write: nothing else is safe here.
void on_signal(int signal) {
  const int saved = errno;
  if (LoopCore* loop = targets[std::size_t(signal)].load()) {
    loop->signals.fetch_or(std::uint64_t{1} << (signal - 1));
    loop->woken.store(true);
    loop->selector->wake();
  }
  errno = saved;
}

}  // namespace

void catch_signal(int signal, LoopCore& loop) {
  if (signal <= 0 || signal >= kSignals)
    throw ValueError("signal: " + std::to_string(signal) + " is not the number of one");
  LoopCore* nobody = nullptr;
  if (!targets[std::size_t(signal)].compare_exchange_strong(nobody, &loop)) {
    if (nobody == &loop) return;
    throw RuntimeError("signal " + std::to_string(signal) + " is handled by another loop");
  }
  loop.signals.fetch_and(~(std::uint64_t{1} << (signal - 1)));  // not for this handler
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

}  // namespace weft::detail
