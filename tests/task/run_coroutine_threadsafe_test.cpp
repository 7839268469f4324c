#include <weft/task/run_coroutine_threadsafe.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <weft/coro/await.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("run_coroutine_threadsafe");

namespace {

/// Runs a loop here until `asks(loop)` has ended on another thread.
template <class F>
void with_thread(F&& asks) {
  run([&] {
    EventLoop& loop = get_running_loop();
    const Future<> asked;
    std::thread thread([&] {
      asks(loop);
      loop.call_soon_threadsafe([&] { asked.set_result(); });
    });
    asked.await();
    thread.join();
  });
}

}  // namespace

TEST_CASE("the result of a function or coroutine comes to the other thread") {
  with_thread([](EventLoop& loop) {
    CHECK(run_coroutine_threadsafe(loop, [] {
            yield_now();
            return std::string(current_task().done() ? "" : "in a task");
          }).result() == "in a task");
    CHECK(run_coroutine_threadsafe(loop, Coroutine<int>([] { return 2; })).result() == 2);
    run_coroutine_threadsafe(loop, [] {}).result();
    CHECK(*run_coroutine_threadsafe(loop, [p = std::make_unique<int>(3)]() mutable {
             return std::move(p);
           }).result() == 3);
  });
}

TEST_CASE("an exception comes to the other thread") {
  with_thread([](EventLoop& loop) {
    const auto future = run_coroutine_threadsafe(loop, [] { throw ValueError("x"); });
    CHECK(error_of([&] { future.result(); }) == "ValueError('x')");
    CHECK(describe(future.exception()) == "ValueError('x')");
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_FALSE(future.cancel());
  });
}

TEST_CASE("a limit of no time: TimeoutError, and the task goes on") {
  with_thread([](EventLoop& loop) {
    std::optional<Future<>> gate;
    run_coroutine_threadsafe(loop, [&] { gate.emplace(); }).result();
    const auto future = run_coroutine_threadsafe(loop, [&] {
      gate->await();
      return 5;
    });
    CHECK_THROWS_AS(future.result(0s), TimeoutError);
    CHECK_FALSE(future.done());
    run_coroutine_threadsafe(loop, [&] { gate->set_result(); }).result();
    CHECK(future.result() == 5);
    run_coroutine_threadsafe(loop, [&] { gate.reset(); }).result();
  });
}

TEST_CASE("cancel() ends it at once, and cancels the task") {
  with_thread([](EventLoop& loop) {
    std::string error;
    const auto future =
        run_coroutine_threadsafe(loop, [&] { error = error_of([] { sleep(1h); }); });
    run_coroutine_threadsafe(loop, [] { yield_now(); }).result();  // the first one sleeps by now
    CHECK(future.cancel());
    CHECK(future.cancelled());
    CHECK_THROWS_AS(future.result(), CancelledError);
    CHECK_THROWS_AS(future.exception(), CancelledError);
    run_coroutine_threadsafe(loop, [] { yield_now(); }).result();
    CHECK(error == "CancelledError()");
    CHECK(future.cancelled());  // though the task has ended with a result
    CHECK_THROWS_AS(future.result(), CancelledError);
  });
}

TEST_CASE("a task that cancels itself cancels it") {
  with_thread([](EventLoop& loop) {
    const auto future = run_coroutine_threadsafe(loop, [] { throw CancelledError("mine"); });
    CHECK_THROWS_AS(future.result(), CancelledError);
    CHECK(future.cancelled());
  });
}

TEST_CASE("one that is cancelled before the loop hears of it never begins") {
  EventLoop loop;
  bool ran = false;
  const auto future = run_coroutine_threadsafe(loop, [&] { ran = true; });
  CHECK(future.cancel());
  in_loop(loop, [] {}, 3);
  CHECK_FALSE(ran);
}

TEST_CASE("a loop that is closed before, or while the task waits: CancelledError") {
  std::optional<ConcurrentFuture<>> unheard;
  std::optional<ConcurrentFuture<>> waiting;
  {
    EventLoop loop;
    const Told told(loop);
    waiting = run_coroutine_threadsafe(loop, [] { Future<>().await(); });
    in_loop(loop, [] {}, 3);
    unheard = run_coroutine_threadsafe(loop, [] {});
    CHECK_FALSE(waiting->done());
    loop.close();
    CHECK(told.log == Log{"Task was destroyed but it is pending!: None"});
    CHECK_THROWS_AS(run_coroutine_threadsafe(loop, [] {}), RuntimeError);
  }
  CHECK_THROWS_AS(unheard->result(), CancelledError);
  CHECK_THROWS_AS(waiting->result(), CancelledError);
  CHECK_FALSE(waiting->cancel());
}

TEST_CASE("to block the loop that is to give the result is an error") {
  EventLoop loop;
  std::string error;
  std::optional<ConcurrentFuture<int>> future;
  in_loop(
      loop,
      [&] {
        if (future) return;
        future = run_coroutine_threadsafe(loop, [] { return 1; });
        error = error_of([&] { future->result(); });
      },
      4);
  CHECK(error == "RuntimeError('result: it would block the loop that it waits for')");
  CHECK(future->result() == 1);
}

TEST_SUITE_END();
