// Loops inside programs that own their main loop.
#include <functional>
#include <thread>

#include <poll.h>

#include <doctest/doctest.h>

#include <weft/loop/event_loop.h>

#include "loops.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

namespace {

/// A loop whose clock the test steps.
class Stepped {
 public:
  Stepped() : Stepped(std::make_unique<SteppedClock>()) {}

  SteppedClock& clock;
  EventLoop loop;

 private:
  explicit Stepped(std::unique_ptr<SteppedClock> owned)
      : clock(*owned), loop({.selector = nullptr, .clock = std::move(owned)}) {}
};

bool is_readable(int fd, int milliseconds = 0) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, milliseconds) == 1;
}

}  // namespace

TEST_SUITE_BEGIN("host of EventLoop");

TEST_CASE("run_once() runs what is ready, and says whether anything was") {
  EventLoop loop(virtual_time());
  Log log;
  CHECK_FALSE(loop.run_once());
  loop.call_soon([&] { log("a"); });
  loop.call_soon([&] { log("b"); });
  CHECK(loop.run_once());
  CHECK(log == Log{"a", "b"});
  CHECK_FALSE(loop.run_once());
}

TEST_CASE("run_once() is one turn: what becomes ready meanwhile is left for the next one") {
  EventLoop loop(virtual_time());
  int calls = 0;
  std::function<void()> again = [&] {
    ++calls;
    loop.call_soon(again);
  };
  loop.call_soon(again);
  for (int turn = 1; turn <= 100; ++turn) {
    CHECK(loop.run_once());
    CHECK(calls == turn);
  }
}

TEST_CASE("run_once() without a limit to wait lets no time pass") {
  EventLoop loop(virtual_time());
  const TimePoint start = loop.time();
  bool ran = false;
  loop.call_later(1s, [&] { ran = true; });
  for (int i = 0; i < 10; ++i) CHECK_FALSE(loop.run_once());
  CHECK(loop.time() == start);
  CHECK_FALSE(ran);
}

TEST_CASE("run_once() waits until the first timer, but not beyond its limit") {
  EventLoop loop(virtual_time());
  const TimePoint start = loop.time();
  Log log;
  loop.call_later(25ms, [&] { log("timer"); });
  CHECK_FALSE(loop.run_once(10ms));
  CHECK(loop.time() - start == 10ms);
  CHECK_FALSE(loop.run_once(10ms));
  CHECK(loop.run_once(10ms));
  CHECK(loop.time() - start == 25ms);
  CHECK(log == Log{"timer"});
  CHECK_FALSE(loop.run_once(10ms));
  CHECK(loop.time() - start == 35ms);
}

TEST_CASE("run_once() with no limit waits for the first timer however far it is") {
  EventLoop loop(virtual_time());
  const TimePoint start = loop.time();
  loop.call_later(24h, [] {});
  CHECK(loop.run_once(Duration::max()));
  CHECK(loop.time() - start == 24h);
}

TEST_CASE("run_once() with a limit below zero does not wait") {
  EventLoop loop;
  CHECK_FALSE(loop.run_once(-1h));
  CHECK_FALSE(loop.run_once(Duration::min()));
}

TEST_CASE("run_once() is ended by a descriptor and by another thread") {
  EventLoop loop;
  const Pipe pipe;
  Log log;
  loop.add_reader(pipe.reader(), [&] { log(std::string(1, pipe.take())); });
  pipe.put('r');
  CHECK(loop.run_once(Duration::max()));
  std::thread other([&] { loop.call_soon_threadsafe([&] { log("thread"); }); });
  CHECK(loop.run_once(Duration::max()));
  other.join();
  CHECK(log == Log{"r", "thread"});
  loop.remove_reader(pipe.reader());
}

TEST_CASE("while run_once() runs, the loop is the running one, and cannot be run again") {
  EventLoop loop(virtual_time());
  std::string once;
  std::string forever;
  EventLoop* seen = nullptr;
  loop.call_soon([&] {
    seen = &get_running_loop();
    once = error_of([&] { loop.run_once(); });
    forever = error_of([&] { loop.run_forever(); });
  });
  CHECK(loop.run_once());
  CHECK(seen == &loop);
  CHECK_FALSE(loop.is_running());
  CHECK(once == "RuntimeError('This event loop is already running')");
  CHECK(forever == once);
  loop.close();
  CHECK(error_of([&] { loop.run_once(); }) == "RuntimeError('Event loop is closed')");
}

TEST_CASE("KeyboardInterrupt leaves run_once(); the rest waits for the next turn") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_soon([] { throw KeyboardInterrupt(); });
  loop.call_soon([&] { log("rest"); });
  CHECK_THROWS_AS(loop.run_once(), KeyboardInterrupt);
  CHECK(log.empty());
  CHECK(loop.run_once());
  CHECK(log == Log{"rest"});
}

TEST_CASE("run_once() and run_forever() may follow one another, and stop() counts for one run") {
  EventLoop loop(virtual_time());
  int calls = 0;
  std::function<void()> again = [&] {
    if (++calls == 5) loop.stop();
    loop.call_soon(again);
  };
  loop.call_soon(again);
  loop.stop();
  CHECK(loop.run_once());
  CHECK(calls == 1);
  loop.run_forever();
  CHECK(calls == 5);
  CHECK(loop.run_once());
  CHECK(calls == 6);
}

TEST_CASE("next_deadline() is now if something is ready, else the first timer's, else none") {
  EventLoop loop(virtual_time());
  const TimePoint start = loop.time();
  CHECK(loop.next_deadline() == std::nullopt);
  Handle second = loop.call_later(2s, [] {});
  Handle first = loop.call_later(1s, [] {});
  CHECK(loop.next_deadline() == start + 1s);
  first.cancel();
  CHECK(loop.next_deadline() == start + 2s);
  const Handle soon = loop.call_soon([] {});
  CHECK(loop.next_deadline() == start);
  loop.run_once();
  CHECK(loop.next_deadline() == start + 2s);
  std::thread([&] { loop.call_soon_threadsafe([] {}); }).join();
  CHECK(loop.next_deadline() == start);
  loop.run_once();
  second.cancel();
  CHECK(loop.next_deadline() == std::nullopt);
}

TEST_CASE("fileno() is readable when something from outside makes a turn due") {
  EventLoop loop;
  const Pipe pipe;
  REQUIRE(loop.fileno() >= 0);
  loop.add_reader(pipe.reader(), [&] { pipe.take(); });
  loop.run_once();
  CHECK_FALSE(is_readable(loop.fileno()));
  pipe.put();
  CHECK(is_readable(loop.fileno()));
  CHECK(loop.run_once());
  CHECK_FALSE(loop.run_once());
  CHECK_FALSE(is_readable(loop.fileno()));
  std::thread other([&] { loop.call_soon_threadsafe([] {}); });
  CHECK(is_readable(loop.fileno(), -1));
  other.join();
  CHECK(loop.run_once());
  CHECK_FALSE(is_readable(loop.fileno()));
  loop.remove_reader(pipe.reader());
}

TEST_CASE("a loop on poll has no fileno()") {
  EventLoopOptions options;
  options.selector = make_poll_selector();
  CHECK(EventLoop(std::move(options)).fileno() == -1);
}

TEST_CASE("a loop can run inside another one, which watches its descriptor") {
  EventLoop outer;
  EventLoop inner;
  const Pipe pipe;
  Log log;
  inner.add_reader(pipe.reader(), [&] { log(std::string(1, pipe.take())); });
  bool due = false;
  outer.add_reader(inner.fileno(), [&] {
    due = true;
    outer.stop();
  });
  pipe.put('i');
  outer.run_forever();
  CHECK(due);
  CHECK(inner.run_once());
  CHECK(log == Log{"i"});
  outer.remove_reader(inner.fileno());
  inner.remove_reader(pipe.reader());
}

// ---- SteppedClock

TEST_CASE("timers of a stepped loop run by the steps, all that are due in order") {
  Stepped stepped;
  Log log;
  stepped.loop.call_later(16ms, [&] { log("16"); });
  stepped.loop.call_later(33ms, [&] { log("33"); });
  stepped.loop.call_later(20ms, [&] { log("20"); });
  CHECK_FALSE(stepped.loop.run_once());
  stepped.clock.step(16ms);
  CHECK(stepped.loop.run_once());
  CHECK(log == Log{"16"});
  CHECK_FALSE(stepped.loop.run_once());
  stepped.clock.step(100ms);
  CHECK(stepped.loop.run_once());
  CHECK(log == Log{"16", "20", "33"});
}

TEST_CASE("waiting does not move a stepped clock, and ends when its limit is over") {
  Stepped stepped;
  bool ran = false;
  stepped.loop.call_later(1ms, [&] { ran = true; });
  CHECK_FALSE(stepped.loop.run_once(1h));  // for the 1 ms that the clock would need
  CHECK_FALSE(stepped.loop.run_once(1us));
  CHECK(stepped.loop.time() == TimePoint{});
  CHECK_FALSE(ran);
}

TEST_CASE("a stepped clock does not go back, and stops at the end of time") {
  SteppedClock clock(TimePoint(5s));
  CHECK(error_of([&] { clock.step(-1ns); }) == "ValueError('by: -1 ns would turn the clock back')");
  CHECK(clock.now() == TimePoint(5s));
  clock.step(0s);
  CHECK(clock.now() == TimePoint(5s));
  clock.step(Duration::max());
  CHECK(clock.now() == TimePoint::max());
}

TEST_SUITE_END();
