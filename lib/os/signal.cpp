#include <weft/os/signal.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include <weft/base/errors.h>
#include <weft/task/future_base.h>
#include <weft/task/wait_queue.h>

#include "loop/signals.h"

namespace weft {

namespace detail {

namespace {

/// A signal that a loop's receivers catch. The last of them ends it.
class CaughtSignal {
 public:
  CaughtSignal(LoopCore& loop, int signal) : loop_(loop), signal_(signal) {
    mine_.set(loop, "receiver of signal", signal, [this] { arrived(); });
    before_ = exchange_signal_handler(loop, signal, mine_);
  }
  CaughtSignal(const CaughtSignal&) = delete;
  CaughtSignal& operator=(const CaughtSignal&) = delete;

  int receivers = 0;
  WaitQueue waiters;

  int signal() const noexcept { return signal_; }
  bool arrived_untaken() const noexcept { return untaken_; }
  bool take() noexcept { return std::exchange(untaken_, false); }

  /// Puts back what was before. True if the signal has come, and is to be raised again.
  bool release();

 private:
  void arrived() {
    untaken_ = true;
    waiters.wake_one();
  }

  LoopCore& loop_;
  const int signal_;
  bool untaken_ = false;
  StandingCall mine_;
  StandingCall before_;
};

bool CaughtSignal::release() {
  if (loop_.elsewhere) return false;
  bool lost = untaken_ || mine_.is_ready();
  const auto it = loop_.signal_handlers->find(signal_);
  if (it != loop_.signal_handlers->end() && it->second == mine_) {
    if (before_) {
      it->second = std::move(before_);
    } else {
      lost = lost || is_pending(loop_, signal_);
      drop_signal_handler(loop_, signal_);
    }
  }
  mine_.clear();
  return lost;
}

thread_local std::map<std::pair<LoopCore*, int>, CaughtSignal> all_caught;

}  // namespace

}  // namespace detail

using detail::CaughtSignal;
using detail::LoopCore;

struct SignalReceiver::State {
  LoopCore& loop;
  std::vector<CaughtSignal*> caught = {};

  explicit State(LoopCore& core) noexcept : loop(core) { detail::retain(loop); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  void add(int signal);
  void wait_for_one(const void* receiver);
};

void SignalReceiver::State::add(int signal) {
  CaughtSignal& one = detail::all_caught.try_emplace({&loop, signal}, loop, signal).first->second;
  if (std::ranges::find(caught, &one) != caught.end()) return;
  caught.push_back(&one);
  ++one.receivers;
}

/// All are put back before the first is raised: that may end the process.
SignalReceiver::State::~State() {
  std::vector<int> lost;
  for (CaughtSignal* one : caught) {
    if (--one->receivers > 0) continue;
    const int signal = one->signal();
    if (one->release()) lost.push_back(signal);
    detail::all_caught.erase({&loop, signal});
  }
  detail::release(&loop);
  for (const int signal : lost) std::raise(signal);
}

void SignalReceiver::State::wait_for_one(const void* receiver) {
  detail::QueuedWaiter waiter;
  std::deque<detail::Place> places;
  for (CaughtSignal* one : caught) places.emplace_back(one->waiters, waiter);
  struct Outside {
    LoopCore& loop;
    explicit Outside(LoopCore& core) noexcept : loop(core) { ++loop.outside; }
    ~Outside() { --loop.outside; }
  } const outside{loop};
  try {
    waiter.wait({"SignalReceiver.wait", receiver});
  } catch (...) {
    for (std::size_t i = 0; i < caught.size(); ++i)
      if (places[i].woken_alone() && caught[i]->arrived_untaken()) caught[i]->waiters.wake_one();
    throw;
  }
}

SignalReceiver::SignalReceiver(std::initializer_list<int> signals)
    : state_(std::make_shared<State>(detail::require_loop("SignalReceiver"))) {
  if (signals.size() == 0) throw ValueError("signals: there is none");
  for (const int signal : signals) state_->add(signal);
}

SignalReceiver::~SignalReceiver() = default;

int SignalReceiver::wait() {
  const std::shared_ptr<State> it = state_;  // the receiver may go meanwhile
  if (&detail::require_loop("SignalReceiver.wait") != &it->loop)
    throw RuntimeError("SignalReceiver.wait: it was made in another event loop");
  for (;;) {
    for (CaughtSignal* one : it->caught)
      if (one->take()) return one->signal();
    it->wait_for_one(this);
  }
}

}  // namespace weft
