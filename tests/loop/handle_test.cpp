#include <weft/loop/handle.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <weft/loop/core.h>

#include "loops.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("Handle");

TEST_CASE("a callback that is cancelled before it is due does not run, nor delay anything") {
  EventLoop loop(virtual_time());
  Log log;
  const TimePoint start = loop.time();
  Handle cancelled = loop.call_later(1h, [&] { log("cancelled"); });
  loop.call_later(2s, [&] { loop.stop(); });
  cancelled.cancel();
  CHECK(cancelled.cancelled());
  loop.run_forever();
  CHECK(log.empty());
  CHECK(loop.time() - start == 2s);
}

TEST_CASE("a callback that is ready can still be cancelled") {
  EventLoop loop(virtual_time());
  Log log;
  Handle soon;
  Handle timer;
  loop.call_soon([&] {
    soon.cancel();
    timer.cancel();
  });
  soon = loop.call_soon([&] { log("soon"); });
  timer = loop.call_later(0s, [&] { log("timer"); });
  run_turns(loop);
  CHECK(log.empty());
}

TEST_CASE("cancel() after the call, or twice, has no effect") {
  EventLoop loop(virtual_time());
  int calls = 0;
  Handle soon = loop.call_soon([&] { ++calls; });
  Handle timer = loop.call_later(0s, [&] { ++calls; });
  run_turns(loop);
  soon.cancel();
  timer.cancel();
  timer.cancel();
  Handle later = loop.call_later(1s, [&] { ++calls; });
  later.cancel();
  later.cancel();
  CHECK(calls == 2);
}

TEST_CASE("a callback may cancel itself") {
  EventLoop loop(virtual_time());
  int calls = 0;
  Handle self;
  self = loop.call_later(0s, [&] {
    self.cancel();
    ++calls;
  });
  run_turns(loop, 2);
  CHECK(calls == 1);
}

TEST_CASE("a timer that is cancelled lets go of what it holds once its handles are gone") {
  EventLoop loop(virtual_time());
  const auto held = std::make_shared<int>(1);
  {
    Handle timer = loop.call_later(1h, [held] {});
    timer.cancel();
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("dropping the handle changes nothing, and after the call nothing is held") {
  EventLoop loop(virtual_time());
  const auto held = std::make_shared<int>(0);
  loop.call_soon([held] { ++*held; });
  run_turns(loop);
  CHECK(*held == 1);
  CHECK(held.use_count() == 1);
}

TEST_CASE("copies mean the same callback; a moved-from handle means none") {
  EventLoop loop(virtual_time());
  bool ran = false;
  Handle first = loop.call_soon([&] { ran = true; });
  Handle copy = first;
  Handle moved = std::move(first);
  CHECK_FALSE(bool(first));  // NOLINT: what it is after the move is the point
  copy.cancel();
  CHECK(moved.cancelled());
  run_turns(loop);
  CHECK_FALSE(ran);
}

TEST_CASE("an empty handle can be asked and cancelled") {
  Handle none;
  none.cancel();
  CHECK_FALSE(bool(none));
  CHECK_FALSE(none.cancelled());
  CHECK(none.when() == TimePoint{});
}

TEST_CASE("when() is the deadline") {
  EventLoop loop(virtual_time());
  const TimePoint at = loop.time() + 5s;
  CHECK(loop.call_at(at, [] {}).when() == at);
  CHECK(loop.call_later(5s, [] {}).when() == at);
  CHECK(loop.call_soon([] {}).when() == TimePoint{});
}

TEST_CASE("when() stays what it was once the timer has run or was cancelled") {
  EventLoop loop(virtual_time());
  const TimePoint start = loop.time();
  Handle ran = loop.call_later(1s, [&] { loop.stop(); });
  Handle cancelled = loop.call_later(2s, [] {});
  cancelled.cancel();
  loop.run_forever();
  CHECK(ran.when() == start + 1s);
  CHECK(cancelled.when() == start + 2s);
  CHECK_FALSE(ran.cancelled());
}

TEST_CASE("a callback may cancel one that is due in the same turn, before or behind it") {
  EventLoop loop(virtual_time());
  Log log;
  Handle first;
  Handle last;
  first = loop.call_later(1s, [&] { log("first"); });
  loop.call_later(1s, [&] {
    first.cancel();  // too late
    last.cancel();
    log("middle");
  });
  last = loop.call_later(1s, [&] { log("last"); });
  loop.call_later(2s, [&] { loop.stop(); });
  loop.run_forever();
  CHECK(log == Log{"first", "middle"});
  CHECK(first.cancelled());
}

TEST_CASE("many cancelled timers leave nothing, and those between them run in their order") {
  EventLoop loop(virtual_time());
  const auto held = std::make_shared<int>(0);
  std::vector<Handle> handles;
  std::vector<int> ran;
  constexpr int kTimers = 20'000;
  for (int i = 0; i < kTimers; ++i)  // 7919 is a prime: no order, each deadline but the last twice
    handles.push_back(loop.call_later(Duration(1 + i * 7919 % (kTimers / 2)),
                                      [&ran, i, held] { ran.push_back(i); }));
  std::vector<int> expected;
  for (int i = 0; i < kTimers; ++i)
    if (i % 100 == 42)
      expected.push_back(i);
    else
      handles[std::size_t(i)].cancel();
  const auto due = [&](int i) { return handles[std::size_t(i)].when(); };
  std::stable_sort(expected.begin(), expected.end(), [&](int a, int b) { return due(a) < due(b); });
  CHECK(detail::core_of(loop).timers.size() == expected.size());
  loop.call_later(1s, [&] { loop.stop(); });
  loop.run_forever();
  CHECK(ran == expected);
  handles.clear();
  CHECK(held.use_count() == 1);
}

TEST_CASE("what close() drops may cancel others, and ask the loop") {
  Handle other;
  bool closed = false;
  struct Cancels {
    EventLoop* loop;
    Handle* other;
    bool* closed;
    ~Cancels() {
      other->cancel();
      *closed = loop->is_closed();
    }
  };
  bool ran = false;
  EventLoop loop(virtual_time());
  loop.call_later(1s, [&ran, held = std::unique_ptr<Cancels>(new Cancels{&loop, &other, &closed})] {
    ran = true;
  });
  other = loop.call_later(2s, [&] { ran = true; });
  loop.close();
  CHECK(closed);
  CHECK(other.cancelled());
  CHECK_FALSE(ran);
}

TEST_CASE("callbacks may be things that can only be moved") {
  EventLoop loop(virtual_time());
  int seen = 0;
  loop.call_soon([&seen, owner = std::make_unique<int>(7)] { seen = *owner; });
  run_turns(loop);
  CHECK(seen == 7);
}

TEST_SUITE_END();
