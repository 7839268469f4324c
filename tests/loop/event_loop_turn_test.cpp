#include <algorithm>
#include <functional>
#include <vector>

#include <doctest/doctest.h>

#include <weft/loop/core.h>
#include <weft/loop/event_loop.h>

#include "loops.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::VirtualClock;

TEST_SUITE_BEGIN("turns of EventLoop");

TEST_CASE("call_soon() runs first in, first out, and nothing before the loop runs") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_soon([&] { log("a"); });
  loop.call_soon([&] { log("b"); });
  loop.call_soon([&] { log("c"); });
  CHECK(log.empty());
  run_turns(loop);
  CHECK(log == Log{"a", "b", "c"});
}

TEST_CASE("what becomes ready meanwhile runs in the next turn") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_soon([&] {
    log("a");
    loop.call_soon([&] { log("later"); });
    log("end of a");
  });
  loop.call_soon([&] { log("b"); });
  run_turns(loop);
  CHECK(log == Log{"a", "end of a", "b"});
  run_turns(loop);
  CHECK(log == Log{"a", "end of a", "b", "later"});
}

TEST_CASE("stop() before run_forever() gives one turn, with its due timers") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_later(0s, [&] { log("f"); });
  loop.call_soon([&] { log("g"); });
  loop.stop();
  loop.run_forever();
  CHECK(log == Log{"g", "f"});  // CPython's order
}

TEST_CASE("stop() lets the turn that runs go on to its end, and no further") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_soon([&] {
    loop.stop();
    loop.call_soon([&] { log("next turn"); });
  });
  loop.call_soon([&] { log("same turn"); });
  loop.run_forever();
  CHECK(log == Log{"same turn"});
}

TEST_CASE("stop() counts for one run") {
  EventLoop loop(virtual_time());
  int turns = 0;
  std::function<void()> again = [&] {
    if (++turns == 5) loop.stop();
    loop.call_soon(again);
  };
  loop.call_soon(again);
  run_turns(loop);
  CHECK(turns == 1);
  loop.run_forever();
  CHECK(turns == 5);
}

TEST_CASE("timers run by deadline, equal deadlines first in, first out") {
  EventLoop loop(virtual_time());
  Log log;
  const TimePoint start = loop.time();
  loop.call_later(2s, [&] { log("2a"); });
  loop.call_later(1s, [&] { log("1a"); });
  loop.call_at(start + 2s, [&] { log("2b"); });
  loop.call_at(start + 1s, [&] { log("1b"); });
  loop.call_later(3s, [&] { loop.stop(); });
  loop.run_forever();
  CHECK(log == Log{"1a", "1b", "2a", "2b"});
  CHECK(loop.time() - start == 3s);
}

TEST_CASE("a timer is not run before its time, and the time of the turn is its deadline") {
  EventLoop loop(virtual_time());
  const TimePoint start = loop.time();
  std::vector<Duration> at;
  for (const Duration delay : {Duration(5ms), Duration(1ns), Duration(1h)})
    loop.call_later(delay, [&] { at.push_back(loop.time() - start); });
  loop.call_later(2h, [&] { loop.stop(); });
  loop.run_forever();
  CHECK(at == std::vector<Duration>{1ns, 5ms, 1h});
}

TEST_CASE("a timer in the past runs in the next turn") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_later(-1h, [&] { log("negative"); });
  loop.call_at(TimePoint::min(), [&] { log("the beginning of time"); });
  run_turns(loop);
  CHECK(log == Log{"the beginning of time", "negative"});
}

TEST_CASE("on the real clock, too, a timer may lie at the beginning of time") {
  EventLoop loop;
  bool ran = false;
  loop.call_at(TimePoint::min(), [&] {
    ran = true;
    loop.stop();
  });
  loop.run_forever();  // with nothing else ready: it asks the clock how long to wait
  CHECK(ran);
}

TEST_CASE("a timer that is never due does not overflow") {
  EventLoop loop(virtual_time());
  Log log;
  const Handle never = loop.call_later(Duration::max(), [&] { log("never"); });
  CHECK(never.when() > loop.time() + 1000h);
  loop.call_later(1s, [&] { loop.stop(); });
  loop.run_forever();
  CHECK(log.empty());
}

TEST_CASE("callbacks that reschedule themselves do not keep timers from running") {
  EventLoop loop;  // real time: the loop may skip the clock for a while, but not for ever
  std::function<void()> again = [&] { loop.call_soon(again); };
  loop.call_soon(again);
  bool ran = false;
  loop.call_later(1ms, [&] {
    ran = true;
    loop.stop();
  });
  loop.run_forever();
  CHECK(ran);
}

TEST_CASE("callbacks of descriptors come before timers of the same turn") {
  EventLoop loop(virtual_time());
  const Pipe pipe;
  Log log;
  pipe.put();
  loop.call_later(0s, [&] { log("timer"); });
  loop.add_reader(pipe.reader(), [&] { log("reader"); });
  loop.call_soon([&] { log("soon"); });
  run_turns(loop);
  loop.remove_reader(pipe.reader());
  CHECK(log == Log{"soon", "reader", "timer"});
}

namespace {

/// Counts how often the loop asks the system.
class CountingSelector final : public Selector {
 public:
  explicit CountingSelector(int& polls) : polls_(polls) {}
  std::string_view name() const noexcept override { return inner_->name(); }
  void register_(int fd, Events events, Trigger trigger, void* data) override {
    inner_->register_(fd, events, trigger, data);
  }
  void modify(int fd, Events events) override { inner_->modify(fd, events); }
  void unregister(int fd) noexcept override { inner_->unregister(fd); }
  void arm(int fd, Events events) override { inner_->arm(fd, events); }
  std::span<const Ready> select(std::optional<Duration> limit) override {
    ++polls_;
    return inner_->select(limit);
  }
  void wake() noexcept override { inner_->wake(); }

 private:
  int& polls_;
  std::unique_ptr<Selector> inner_ = make_selector();
};

constexpr int kMany = 1000;

/// How many callbacks, each of which makes the next one ready, run before the system is asked for
/// the second time; at most kMany.
int callbacks_before_second_poll(bool watches, const std::function<void(EventLoop&, int)>& at) {
  int polls = 0;
  EventLoopOptions options = virtual_time();
  options.selector = std::make_unique<CountingSelector>(polls);
  Pipe pipe;
  EventLoop loop(std::move(options));
  if (watches) loop.add_reader(pipe.reader(), [] {});
  int count = 0;
  std::function<void()> again = [&] {
    if (polls == 2 || count == kMany) return loop.stop();
    at(loop, ++count);
    loop.call_soon(again);
  };
  loop.call_soon(again);
  loop.run_forever();
  return count;
}

}  // namespace

TEST_CASE("no more than 64 callbacks pass between two polls") {
  CHECK(callbacks_before_second_poll(true, [](EventLoop&, int) {}) == 64);
}

TEST_CASE("a loop with neither descriptors nor timers does not ask while something can run") {
  CHECK(callbacks_before_second_poll(false, [](EventLoop&, int) {}) == kMany);
}

TEST_CASE("a busy loop asks again once it is given a descriptor") {
  Pipe pipe;
  CHECK(callbacks_before_second_poll(false, [&](EventLoop& loop, int count) {
          if (count == 200) loop.add_reader(pipe.reader(), [] {});
        }) == 256);
}

TEST_CASE("once somebody has woken the loop, the next turn asks the system") {
  for (const bool watches : {false, true})
    for (const int woken : {10, 100})
      CHECK(callbacks_before_second_poll(watches, [&](EventLoop& loop, int count) {
              if (count == woken)
                detail::core_of(loop).woken.store(true);  // as signals, threads do
            }) == (watches ? std::min(woken, 64) : woken));
}

TEST_CASE("once a timer is due, the next turn asks the system") {
  for (const bool watches : {false, true})
    for (const int due : {7, 200})
      CHECK(callbacks_before_second_poll(watches, [&](EventLoop& loop, int count) {
              if (count == due) loop.call_later(0s, [] {});
            }) == (watches ? std::min(due, 64) : due));
}

TEST_CASE("a timer that is not due yet is looked for within 64 callbacks") {
  CHECK(callbacks_before_second_poll(false, [](EventLoop& loop, int count) {
          if (count == 200) loop.call_later(1s, [] {});
        }) == 256);
}

TEST_CASE("KeyboardInterrupt leaves run_forever(); the rest waits, ahead of timers due later") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_soon([&] {
    log("1");
    throw KeyboardInterrupt();
  });
  loop.call_soon([&] {
    log("2");
    loop.stop();
  });
  loop.call_later(0s, [&] { log("3"); });
  CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
  CHECK(log == Log{"1"});
  CHECK_FALSE(loop.is_running());
  loop.run_forever();
  CHECK(log == Log{"1", "2", "3"});  // CPython's order
}

TEST_CASE("SystemExit leaves run_forever(), and stop() before it is forgotten") {
  EventLoop loop(virtual_time());
  loop.call_soon([&] {
    loop.stop();
    throw SystemExit();
  });
  CHECK_THROWS_AS(loop.run_forever(), SystemExit);
  int turns = 0;
  std::function<void()> again = [&] {
    if (++turns == 3) loop.stop();
    loop.call_soon(again);
  };
  loop.call_soon(again);
  loop.run_forever();
  CHECK(turns == 3);
}

TEST_SUITE_END();
