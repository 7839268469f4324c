#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/hooks.h>
#include <weft/coro/coroutine.h>
#include <weft/loop/event_loop.h>

#include "loops.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("life of EventLoop");

// ---- running

TEST_CASE("get_running_loop() is the loop that runs, and an error outside") {
  EventLoop loop(virtual_time());
  CHECK(error_of([] { get_running_loop(); }) == "RuntimeError('no running event loop')");
  EventLoop* seen = nullptr;
  bool running = false;
  loop.call_soon([&] {
    seen = &get_running_loop();
    running = loop.is_running();
  });
  run_turns(loop);
  CHECK(seen == &loop);
  CHECK(running);
  CHECK_FALSE(loop.is_running());
  CHECK_THROWS_AS(get_running_loop(), RuntimeError);
}

TEST_CASE("a loop that runs cannot be run again") {
  EventLoop loop(virtual_time());
  std::string error;
  loop.call_soon([&] { error = error_of([&] { loop.run_forever(); }); });
  run_turns(loop);
  CHECK(error == "RuntimeError('This event loop is already running')");
}

TEST_CASE("a second loop cannot run on the same thread meanwhile") {
  EventLoop loop(virtual_time());
  EventLoop second(virtual_time());
  std::string error;
  loop.call_soon([&] { error = error_of([&] { second.run_forever(); }); });
  run_turns(loop);
  CHECK(error == "RuntimeError('Cannot run the event loop while another loop is running')");
  run_turns(second);  // now it can
}

TEST_CASE("each thread can run a loop of its own") {
  EventLoop here(virtual_time());
  EventLoop* seen_there = nullptr;
  here.call_soon([&] {
    std::thread([&] {
      EventLoop there(virtual_time());
      there.call_soon([&] { seen_there = &get_running_loop(); });
      run_turns(there);
      if (seen_there != &there) seen_there = nullptr;
    }).join();
  });
  run_turns(here);
  CHECK(seen_there != nullptr);
}

TEST_CASE("a loop may run inside a generator, which goes on to yield") {
  Generator<int> generator([](auto& self) {
    self.yield(1);
    EventLoop loop(virtual_time());
    run_turns(loop);
    self.yield(2);
  });
  std::vector<int> items;
  for (int item : generator) items.push_back(item);
  CHECK(items == std::vector<int>{1, 2});
}

TEST_CASE("a callback cannot suspend the coroutine inside which the loop runs") {
  std::string error;
  Coroutine<int> outer([&] {
    EventLoop loop(virtual_time());
    loop.call_soon([&] { error = error_of([] { trap(2); }); });
    run_turns(loop);
    return trap<int>(1);  // but the coroutine itself still can, afterwards
  });
  CHECK(outer.send().value().get<int>() == 1);
  CHECK(outer.send(7).result() == 7);
  CHECK(error == "RuntimeError('trap() outside a coroutine')");
}

// ---- closing

TEST_CASE("a closed loop refuses all that would need it") {
  EventLoop loop(virtual_time());
  const Pipe pipe;
  CHECK_FALSE(loop.is_closed());
  loop.close();
  CHECK(loop.is_closed());
  const std::string closed = "RuntimeError('Event loop is closed')";
  CHECK(error_of([&] { loop.call_soon([] {}); }) == closed);
  CHECK(error_of([&] { loop.call_later(1s, [] {}); }) == closed);
  CHECK(error_of([&] { loop.call_at(loop.time(), [] {}); }) == closed);
  CHECK(error_of([&] { loop.call_soon_threadsafe([] {}); }) == closed);
  CHECK(error_of([&] { loop.add_reader(pipe.reader(), [] {}); }) == closed);
  CHECK(error_of([&] { loop.add_writer(pipe.writer(), [] {}); }) == closed);
  CHECK(error_of([&] { loop.add_signal_handler(10, [] {}); }) == closed);
  CHECK(error_of([&] { loop.run_forever(); }) == closed);
  CHECK_FALSE(loop.remove_reader(pipe.reader()));
}

TEST_CASE("close() may be called twice, but not while the loop runs") {
  EventLoop loop(virtual_time());
  std::string error;
  loop.call_soon([&] { error = error_of([&] { loop.close(); }); });
  run_turns(loop);
  CHECK(error == "RuntimeError('Cannot close a running event loop')");
  loop.close();
  CHECK(error_of([&] { loop.close(); }) == "nothing");
}

TEST_CASE("close() drops what is scheduled, with all that it holds") {
  EventLoop loop(virtual_time());
  const Pipe pipe;
  const auto held = std::make_shared<int>(1);
  bool ran = false;
  const auto callback = [&ran, held] { ran = true; };
  loop.call_soon(callback);
  loop.call_later(1s, callback);
  loop.call_soon_threadsafe(callback);
  loop.add_reader(pipe.reader(), callback);
  CHECK(held.use_count() > 2);
  loop.close();
  CHECK(held.use_count() == 2);  // here, and in `callback`
  CHECK_FALSE(ran);
}

TEST_CASE("a handle may outlive its loop") {
  Handle soon;
  Handle later;
  {
    EventLoop loop(virtual_time());
    soon = loop.call_soon([] {});
    later = loop.call_later(1s, [] {});
  }
  soon.cancel();
  later.cancel();
  CHECK(later.cancelled());
}

// ---- exceptions of callbacks

TEST_CASE("an exception of a callback reaches the handler, and the loop goes on") {
  EventLoop loop(virtual_time());
  const Told told(loop);
  Log log;
  loop.call_soon([] { throw ValueError("first"); });
  loop.call_soon([&] { log("second"); });
  loop.call_later(1s, [] { throw std::out_of_range("foreign"); });
  loop.call_later(2s, [&] { loop.stop(); });
  loop.run_forever();
  CHECK(log == Log{"second"});
  CHECK(told.log == Log{"Exception in callback: ValueError('first')",
                        "Exception in callback: std::out_of_range('foreign')"});
}

TEST_CASE("CancelledError out of a callback is an exception like others") {
  EventLoop loop(virtual_time());
  const Told told(loop);
  loop.call_soon([] { throw CancelledError(); });
  run_turns(loop);
  CHECK(told.log == Log{"Exception in callback: CancelledError()"});
}

TEST_CASE("an exception handler that throws does no harm, and is told of") {
  EventLoop loop(virtual_time());
  std::string told;
  const auto before = set_unraisable_hook(
      [&](std::exception_ptr error, std::string_view) { told = describe(error); });
  loop.set_exception_handler([](const ExceptionContext&) { throw RuntimeError("handler"); });
  loop.call_soon([] { throw ValueError(); });
  run_turns(loop);
  set_unraisable_hook(before);
  CHECK(told == "RuntimeError('handler')");
}

TEST_CASE("an exception handler may replace itself") {
  EventLoop loop(virtual_time());
  Log log;
  loop.set_exception_handler([&loop, &log, held = std::string(100, 'x')](const ExceptionContext&) {
    loop.set_exception_handler([&](const ExceptionContext&) { log("second"); });
    log(held.substr(0, 1));  // what the handler holds is still there
  });
  loop.call_soon([] { throw ValueError(); });
  loop.call_soon([] { throw ValueError(); });
  run_turns(loop);
  CHECK(log == Log{"x", "second"});
}

// ---- other threads

TEST_CASE("call_soon_threadsafe() wakes a loop that waits") {
  EventLoop loop;
  const std::thread::id here = std::this_thread::get_id();
  std::thread::id ran_on;
  std::thread other([&] {
    loop.call_soon_threadsafe([&] {
      ran_on = std::this_thread::get_id();
      loop.stop();
    });
  });
  loop.run_forever();
  other.join();
  CHECK(ran_on == here);
}

TEST_CASE("callbacks from several threads all run, those of one thread in their order") {
  EventLoop loop;
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::vector<std::vector<int>> seen(kThreads);
  int total = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        loop.call_soon_threadsafe([&, t, i] {
          seen[std::size_t(t)].push_back(i);
          if (++total == kThreads * kEach) loop.stop();
        });
    });
  loop.run_forever();
  for (std::thread& thread : threads) thread.join();
  std::vector<int> expected(kEach);
  for (int i = 0; i < kEach; ++i) expected[std::size_t(i)] = i;
  for (const auto& one : seen) CHECK(one == expected);
}

TEST_CASE("on the loop's own thread call_soon_threadsafe() keeps its place among the others") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_soon([&] {
    loop.call_soon([&] { log("a"); });
    loop.call_soon_threadsafe([&] { log("b"); });
    loop.call_soon([&] { log("c"); });
  });
  run_turns(loop, 2);
  CHECK(log == Log{"a", "b", "c"});
}

TEST_CASE("closing a loop while another thread schedules gives that one the error") {
  for (int round = 0; round < 20; ++round) {
    EventLoop loop;
    bool refused = false;
    std::thread other([&] {
      try {
        for (;;) loop.call_soon_threadsafe([] {});
      } catch (const RuntimeError&) {
        refused = true;
      }
    });
    std::this_thread::yield();
    loop.close();
    other.join();
    CHECK(refused);
  }
}

TEST_SUITE_END();
