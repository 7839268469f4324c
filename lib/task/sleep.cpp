#include <weft/task/sleep.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/loop/event_loop.h>
#include <weft/task/task_base.h>
#include <weft/task/wait_queue.h>

namespace weft {

namespace {

/// A timer and the wait for it, in the sleeper's own frame.
class Sleeper : private detail::Timer {
 public:
  Sleeper(detail::LoopCore& loop, TimePoint until) : Timer(&Sleeper::ring), loop_(loop) {
    loop_.start_timer(*this, until);
  }
  ~Sleeper() {
    if (!waiter_.woken()) loop_.stop_timer(*this);
  }
  void wait() { waiter_.wait({"sleep", this}); }

 private:
  static void ring(detail::Runnable* self) {
    auto& sleeper = *static_cast<Sleeper*>(self);
    if (!sleeper.loop_.closed) sleeper.waiter_.wake();
  }

  detail::LoopCore& loop_;
  detail::Waiter waiter_;
};

}  // namespace

void sleep(Duration delay) {
  if (delay < Duration::zero())
    throw ValueError(fmt::format("sleep: delay is negative ({} ns)", delay.count()));
  if (delay == Duration::zero()) return yield_now();
  detail::task_at_the_door();
  detail::LoopCore& loop = detail::require_loop("sleep");
  Sleeper(loop, saturating_add(loop.clock->now(), delay)).wait();
}

void sleep_until(TimePoint when) {
  detail::task_at_the_door();
  detail::LoopCore& loop = detail::require_loop("sleep_until");
  if (when <= loop.clock->now()) return yield_now();
  Sleeper(loop, when).wait();
}

TimePoint now() { return detail::require_loop("now").clock->now(); }

}  // namespace weft
