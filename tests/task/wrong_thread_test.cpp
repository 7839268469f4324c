// What is refused on a thread, or in a loop, that it does not belong to.
#include <csignal>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/task/wait_queue.h>
#include <weft/testing/run.h>

#include "../child.h"
#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle;

TEST_SUITE_BEGIN("the wrong thread");

namespace {

/// What `f()` throws on a thread of its own, while the loop of this one runs.
template <class F>
std::string error_elsewhere(F&& f) {
  std::string error;
  std::thread([&] { error = error_of(f); }).join();
  return error;
}

constexpr const char* kRefused =
    "RuntimeError('Non-thread-safe operation invoked on an event loop other than the current one')";

}  // namespace

TEST_CASE("in debug mode futures and tasks of a running loop are ended from its own thread only") {
  EventLoopOptions options = virtual_time();
  options.debug = true;
  weft::run(std::move(options), [] {
    const Future<int> future;
    const auto task = create_task([&] { return future.await(); });
    settle();
    CHECK(error_elsewhere([&] { future.set_result(1); }) == kRefused);
    CHECK(error_elsewhere([&] { future.set_exception(ValueError("x")); }) == kRefused);
    CHECK(error_elsewhere([&] { future.cancel(); }) == kRefused);
    CHECK(error_elsewhere([&] { task.cancel(); }) == kRefused);
    CHECK_FALSE(future.done());
    CHECK(task.cancelling() == 0);
    future.set_result(7);
    CHECK(task.await() == 7);
  });
}

TEST_CASE("a wait or a task on a thread without a loop is refused") {
  testing::run([] {
    WaitQueue queue;
    CHECK(error_elsewhere([&] { queue.park("Event.wait"); }) ==
          "RuntimeError('a wait outside a task: nothing here can be suspended')");
    CHECK(error_elsewhere([] { create_task([] {}); }) ==
          "RuntimeError('create_task: no running event loop')");
  });
}

TEST_CASE("a coroutine that has started is refused to another thread's driver") {
  Coroutine<> body([] { trap(1); });
  body.send();
  CHECK(error_elsewhere([&] { body.send(); }) ==
        "RuntimeError('a suspended generator or coroutine belongs to the thread it started on')");
  body.close();
}

TEST_CASE("tasks of two loops cannot wait in one queue") {
  WaitQueue queue;
  EventLoop first(virtual_time());
  EventLoop second(virtual_time());
  const auto park = [&queue](std::string& error) {
    return [&] { create_task([&] { error = error_of([&] { queue.park("Event.wait"); }); }); };
  };
  std::string error_in_first, error_in_second, later;
  in_loop(first, park(error_in_first), 2);
  in_loop(second, park(error_in_second), 2);
  CHECK(error_in_second == "RuntimeError('Event.wait: it is bound to a different event loop')");
  in_loop(first, [&] { queue.wake_one(); }, 2);
  CHECK(error_in_first == "nothing");
  in_loop(second, park(later), 2);  // nobody waits any more: it may serve another loop
  in_loop(second, [&] { queue.wake_one(); }, 2);
  CHECK(later == "nothing");
}

TEST_CASE("a task woken from another thread: in a process of its own" * doctest::skip()) {
  testing::run([] {
    WaitQueue queue;
    create_task([&] { queue.park("Event.wait"); });
    settle();
    std::thread([&] { queue.wake_one(); }).join();
  });
}

TEST_CASE("to wake a task from another thread kills the process, with a message") {
  if (under_checker()) return;  // under Valgrind the case cannot be run
  const Ending ending = run_case("WEFT_DEBUG=0", "a task woken from another thread: in*");
  CHECK(ending.signal == SIGABRT);
  CHECK(ending.errors.find("weft: a task is woken from a thread that is not its loop's: use "
                           "loop.call_soon_threadsafe()\n") != std::string::npos);
}

TEST_SUITE_END();
