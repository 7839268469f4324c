#include <weft/task/wait_queue.h>

#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

#include "../child.h"
#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A task that parks in `queue`, and then logs its name.
Task<> parked(WaitQueue& queue, Log& log, const char* name) {
  return create_task({.name = name, .stack = {}}, [&queue, &log, name] {
    queue.park("test");
    log(name);
  });
}

}  // namespace

TEST_SUITE_BEGIN("WaitQueue");

TEST_CASE("wake_one() wakes the first in line, in a later turn") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    CHECK(queue.empty());
    CHECK_FALSE(queue.wake_one());
    auto a = parked(queue, log, "a");
    auto b = parked(queue, log, "b");
    settle();
    CHECK_FALSE(queue.empty());
    CHECK(queue.wake_one());
    CHECK(log.empty());
    settle();
    CHECK(log == Log{"a"});
    CHECK(queue.wake_one());
    CHECK(queue.empty());  // at once, though b has not run yet
    CHECK_FALSE(queue.wake_one());
    settle();
    CHECK(log == Log{"a", "b"});
  });
}

TEST_CASE("wake_all() wakes those who wait, in their order, and nobody who comes later") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    for (const char* name : {"a", "b", "c"}) parked(queue, log, name);
    settle();
    queue.wake_all();
    auto late = parked(queue, log, "late");
    settle();
    CHECK(log == Log{"a", "b", "c"});
    queue.wake_all();
    settle();
    CHECK(late.done());
  });
}

TEST_CASE("parking suspends once, and says where") {
  testing::run([] {
    WaitQueue queue;
    int suspensions = 0;
    auto task = create_task([&] { suspensions = turns([&] { queue.park("Thing.wait"); }); });
    settle();
    CHECK(AnyTask(task).waits_for() == "Thing.wait");
    queue.wake_one();
    settle();
    CHECK(suspensions == 1);
  });
}

TEST_CASE("a waiter that is cancelled leaves the queue at once, wherever it stands") {
  testing::run([] {
    for (int leaving = 0; leaving < 3; ++leaving) {
      WaitQueue queue;
      Log log;
      Task<> tasks[]{parked(queue, log, "0"), parked(queue, log, "1"), parked(queue, log, "2")};
      settle();
      tasks[leaving].cancel("bye");
      while (queue.wake_one()) {
      }
      settle();
      CHECK(error_of([&] { tasks[leaving].result(); }) == "CancelledError('bye')");
      Log expected;
      for (int i = 0; i < 3; ++i)
        if (i != leaving) expected(std::to_string(i));
      CHECK(log == expected);
    }
  });
}

TEST_CASE("woken, then cancelled: the wake-up goes to the next in line") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    auto a = parked(queue, log, "a");
    auto b = parked(queue, log, "b");
    settle();
    queue.wake_one();
    a.cancel();
    settle();
    CHECK(a.cancelled());
    CHECK(log == Log{"b"});
  });
}

TEST_CASE("cancelled, then woken: the wake-up is the next one's from the start") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    auto a = parked(queue, log, "a");
    auto b = parked(queue, log, "b");
    settle();
    a.cancel();
    CHECK(queue.wake_one());
    settle();
    CHECK(a.cancelled());
    CHECK(log == Log{"b"});
  });
}

TEST_CASE("a chain of woken and cancelled waiters loses no wake-up") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    Task<> tasks[]{parked(queue, log, "a"), parked(queue, log, "b"), parked(queue, log, "c")};
    settle();
    queue.wake_one();
    tasks[0].cancel();
    yield_now();  // a passes it on to b
    tasks[1].cancel();
    settle();
    CHECK(log == Log{"c"});
  });
}

TEST_CASE("cancelled before it parks, a task does not stand in line") {
  testing::run([] {
    WaitQueue queue;
    auto task = create_task([&] {
      current_task().cancel();
      queue.park("test");
    });
    settle();
    CHECK(task.cancelled());
    CHECK(queue.empty());
  });
}

TEST_CASE("a limit that runs out takes the task out of the line") {
  testing::run([] {
    WaitQueue queue;
    CHECK_THROWS_AS(timeout(1s, [&] { queue.park("test"); }), TimeoutError);
    CHECK(queue.empty());
  });
}

TEST_CASE("parking outside a task is an error, and leaves nobody in line") {
  WaitQueue queue;
  CHECK(error_of([&] { queue.park("test"); }) ==
        "RuntimeError('a wait outside a task: nothing here can be suspended')");
  CHECK(queue.empty());
}

TEST_CASE("a coroutine driven by hand may stand in line, and is woken through a future") {
  testing::run([] {
    WaitQueue queue;
    Coroutine<> coroutine([&] { queue.park("test"); });
    auto step = coroutine.send();
    REQUIRE_FALSE(step.done());
    CHECK(queue.wake_one());
    CHECK(queue.empty());
    CHECK(coroutine.send().done());
  });
}

TEST_CASE("a coroutine driven by hand that is closed leaves the line") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    {
      Coroutine<> coroutine([&] { queue.park("test"); });
      coroutine.send();
      CHECK_FALSE(queue.empty());
    }
    CHECK(queue.empty());
    auto next = parked(queue, log, "next");
    settle();
    CHECK(queue.wake_one());
    settle();
    CHECK(log == Log{"next"});
  });
}

TEST_CASE("a coroutine that a hand takes out of a task's wait leaves the line") {
  testing::run([] {
    WaitQueue queue;
    Coroutine<> kept([&] { queue.park("test"); });
    auto task = create_task([&] { await(kept); });
    settle();
    CHECK(error_of([&] { kept.throw_(ValueError("hand")); }) == "ValueError('hand')");
    CHECK(queue.empty());
    settle();
    CHECK_THROWS_AS(task.result(), RuntimeError);
  });
}

TEST_CASE(
    "a queue may go when those who stood there were woken or cancelled, and have yet to go on") {
  testing::run([] {
    Log log;
    std::optional<WaitQueue> queue(std::in_place);
    auto a = parked(*queue, log, "a");
    auto b = parked(*queue, log, "b");
    auto c = parked(*queue, log, "c");
    settle();
    queue->wake_one();
    a.cancel();  // has nobody to pass it on to
    queue->wake_one();
    c.cancel();
    queue.reset();
    settle();
    CHECK(a.cancelled());
    CHECK(c.cancelled());
    CHECK(log == Log{"b"});
  });
}

TEST_CASE("woken with all others, then cancelled: nobody who came later is woken for it") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    auto a = parked(queue, log, "a");
    settle();
    auto late = parked(queue, log, "late");  // is ready before a is
    queue.wake_all();
    a.cancel();
    settle();
    CHECK(a.cancelled());
    CHECK(log.empty());
    CHECK(queue.wake_one());
    settle();
    CHECK(log == Log{"late"});
  });
}

TEST_CASE("a queue is idle when nobody waits and all who were woken have gone on") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    CHECK(queue.idle());
    auto a = parked(queue, log, "a");
    settle();
    CHECK_FALSE(queue.idle());
    queue.wake_one();
    CHECK(queue.empty());
    CHECK_FALSE(queue.idle());
    settle();
    CHECK(queue.idle());
    auto b = parked(queue, log, "b");
    settle();
    b.cancel();
    CHECK(queue.idle());  // b makes no claim any more
    settle();
  });
}

TEST_CASE("wake_first() leaves it to the first in line, if that has yet to go on") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    CHECK_FALSE(queue.wake_first());
    auto a = parked(queue, log, "a");
    auto b = parked(queue, log, "b");
    settle();
    CHECK(queue.wake_first());
    CHECK_FALSE(queue.wake_first());  // a is on its way
    settle();
    CHECK(log == Log{"a"});
    auto c = parked(queue, log, "c");
    settle();
    b.cancel();
    CHECK_FALSE(queue.wake_first());  // b is
    settle();
    CHECK(queue.wake_first());
    settle();
    CHECK(log == Log{"a", "c"});
  });
}

TEST_CASE("cancelled ones in between are passed over") {
  testing::run([] {
    WaitQueue queue;
    Log log;
    std::vector<Task<>> tasks;
    for (const char* name : {"0", "1", "2", "3", "4", "5"})
      tasks.push_back(parked(queue, log, name));
    settle();
    for (const int index : {3, 1, 4, 0}) tasks[std::size_t(index)].cancel();
    CHECK(queue.wake_one());
    CHECK(queue.wake_one());
    CHECK_FALSE(queue.wake_one());
    settle();
    CHECK(log == Log{"2", "5"});
  });
}

TEST_CASE("a wait in several lines is ended by the first wake-up, in all of them") {
  testing::run([] {
    WaitQueue left;
    WaitQueue right;
    bool by_left = true;
    auto both = create_task([&] {
      detail::QueuedWaiter waiter;
      const detail::Place first(left, waiter);
      const detail::Place second(right, waiter);
      waiter.wait({"both", nullptr});
      by_left = first.woken();
      CHECK(second.woken() != by_left);
    });
    settle();
    CHECK_FALSE(left.empty());
    CHECK(right.wake_one());
    CHECK(left.empty());
    CHECK_FALSE(left.wake_one());
    await(both);
    CHECK_FALSE(by_left);
    CHECK(left.idle());
    CHECK(right.idle());
  });
}

TEST_CASE("a wait in several lines that is cancelled is ended in all of them") {
  testing::run([] {
    WaitQueue left;
    WaitQueue right;
    auto both = create_task([&] {
      detail::QueuedWaiter waiter;
      const detail::Place first(left, waiter);
      const detail::Place second(right, waiter);
      waiter.wait({"both", nullptr});
    });
    settle();
    both.cancel();
    CHECK(left.empty());
    CHECK(right.empty());
    settle();
    CHECK(both.cancelled());
  });
}

TEST_CASE("a queue that goes while somebody waits is an error of the program: it aborts") {
  const Ending ending = run_in_child([] {
    std::signal(SIGABRT, SIG_DFL);  // the test framework has a handler
    EventLoop loop(virtual_time());
    std::optional<WaitQueue> queue(std::in_place);
    in_loop(loop, [&] { create_task([&] { queue->park("test"); }); }, 2);
    queue.reset();
  });
  CHECK(ending.signal == SIGABRT);
  CHECK(ending.errors == "weft: an object is destroyed while tasks wait on it\n");
}

TEST_SUITE_END();
