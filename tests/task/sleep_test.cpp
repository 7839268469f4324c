#include <weft/task/sleep.h>

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("sleep");

TEST_CASE("sleep() takes exactly as long as it says, in any unit") {
  testing::run([] {
    const TimePoint start = now();
    sleep(1ns);
    CHECK(now() - start == 1ns);
    sleep(2h);
    CHECK(now() - start == 2h + 1ns);
    sleep(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(0.5)));
    CHECK(now() - start == 2h + 500ms + 1ns);
  });
}

TEST_CASE("sleep() of nothing gives up one turn, and so does a time that is past") {
  testing::run([] {
    const TimePoint start = now();
    CHECK(turns([] { sleep(0s); }) == 1);
    CHECK(turns([] { sleep_until(now() - 1s); }) == 1);
    CHECK(turns([] { yield_now(); }) == 1);
    CHECK(now() == start);
  });
}

TEST_CASE("a sleep suspends once") {
  testing::run([] {
    CHECK(turns([] { sleep(1s); }) == 1);
    CHECK(turns([] { sleep_until(now() + 1s); }) == 1);
  });
}

TEST_CASE("equal deadlines wake in the order in which they were set") {
  testing::run([] {
    Log log;
    for (const char* name : {"a", "b", "c"})
      create_task([&log, name] {
        sleep(1s);
        log(name);
      });
    create_task([&log] {
      sleep(999ms);
      log("first");
      sleep(1ms);
      log("last");
    });
    sleep(2s);
    CHECK(log == Log{"first", "a", "b", "c", "last"});
  });
}

TEST_CASE("sleep_until() wakes at the time, and gives up a turn for one in the past") {
  testing::run([] {
    const TimePoint start = now();
    sleep_until(start + 3s);
    CHECK(now() == start + 3s);
    CHECK(turns([&] { sleep_until(start); }) == 1);
    CHECK(turns([&] { sleep_until(TimePoint::min()); }) == 1);
    CHECK(now() == start + 3s);
  });
}

TEST_CASE("a cancelled sleep leaves no timer behind") {
  testing::run([] {
    const TimePoint start = now();
    auto task = create_task([] { sleep(1h); });
    settle();
    CHECK(detail::core_of(get_running_loop()).timers.size() == 1);
    task.cancel();
    settle();
    CHECK(detail::core_of(get_running_loop()).timers.empty());
    CHECK(task.cancelled());
    CHECK(now() == start);
  });
}

TEST_CASE("a sleep that is cancelled before it begins to wait does not wait") {
  testing::run([] {
    auto task = create_task([] {
      current_task().cancel();
      sleep(1h);
    });
    const TimePoint start = now();
    settle();
    CHECK(task.cancelled());
    CHECK(now() == start);
  });
}

TEST_CASE("a sleep that is cancelled in the turn in which it is due throws all the same") {
  testing::run([] {
    std::string seen;
    auto late = create_task([&] { seen = error_of([] { sleep(1s); }); });
    settle();
    get_running_loop().call_at(now() + 1s, [&] { late.cancel("late"); });  // behind the timer
    sleep(2s);
    CHECK(seen == "CancelledError('late')");
  });
}

TEST_CASE("a sleep that is cancelled by a timer just ahead of its own throws") {
  testing::run([] {
    std::string seen;
    std::optional<Task<>> task;
    get_running_loop().call_at(now() + 1s, [&] { task->cancel("just"); });
    task = create_task([&] { seen = error_of([] { sleep(1s); }); });
    sleep(2s);
    CHECK(seen == "CancelledError('just')");
  });
}

TEST_CASE("a sleep that never ends can be cancelled, and does not overflow") {
  testing::run([] {
    sleep(1s);  // so that the sum would
    auto forever = create_task([] { sleep(Duration::max()); });
    auto end_of_time = create_task([] { sleep_until(TimePoint::max()); });
    settle();
    CHECK_FALSE(forever.done());
    sleep(1000h);
    CHECK_FALSE(forever.done());
    forever.cancel();
    end_of_time.cancel();
    settle();
    CHECK(forever.cancelled());
    CHECK(end_of_time.cancelled());
  });
}

TEST_CASE("yield_now() lets run what is ready, once") {
  testing::run([] {
    Log log;
    auto task = create_task([&] {
      log("a");
      yield_now();
      log("b");
    });
    yield_now();
    log("main");
    yield_now();
    CHECK(log == Log{"a", "main", "b"});
    CHECK(task.done());
  });
}

TEST_CASE("yield_now() is a place to be cancelled at, before and during it") {
  testing::run([] {
    auto during = create_task([] { yield_now(); });
    auto before = create_task([] {
      current_task().cancel("before");
      yield_now();
    });
    yield_now();
    during.cancel("during");
    settle();
    CHECK(error_of([&] { during.result(); }) == "CancelledError('during')");
    CHECK(error_of([&] { before.result(); }) == "CancelledError('before')");
  });
}

TEST_CASE("an exception from elsewhere passes through yield_now()") {
  testing::run([] {
    Coroutine<> coroutine([] { yield_now(); });
    CHECK_FALSE(coroutine.send().done());
    CHECK(error_of([&] { coroutine.throw_(ValueError("hand")); }) == "ValueError('hand')");
  });
}

TEST_CASE("a task that has cancelled itself hears of it at yield_now(), alone or among others") {
  testing::run([] {
    current_task().cancel("alone");
    CHECK(error_of([] { yield_now(); }) == "CancelledError('alone')");
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i)
      tasks.push_back(create_task([] {
        yield_now();
        current_task().cancel("among others");
        CHECK(error_of([] { yield_now(); }) == "CancelledError('among others')");
        yield_now();
      }));
    for (const Task<>& task : tasks) await(task);
  });
}

TEST_CASE("a task that stands at a yield among others is cancelled there") {
  testing::run([] {
    Log log;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i)
      tasks.push_back(create_task([&log, i] {
        for (int turn = 0; turn < 3; ++turn) {
          yield_now();
          log(std::to_string(i) + std::to_string(turn));
        }
      }));
    yield_now();
    yield_now();
    tasks[1].cancel("stop");
    for (const int i : {0, 2}) await(tasks[std::size_t(i)]);
    CHECK(error_of([&] { tasks[1].result(); }) == "CancelledError('stop')");
    CHECK(log == Log{"00", "10", "20", "01", "21", "02", "22"});
  });
}

TEST_CASE("tasks yield to each other while they handle exceptions of their own") {
  testing::run([] {
    const auto body = [](int mine) {
      try {
        throw mine;
      } catch (int) {
        for (int i = 0; i < 5; ++i) yield_now();
        CHECK(std::uncaught_exceptions() == 0);
        try {
          throw;
        } catch (int again) {
          CHECK(again == mine);
        }
      }
      CHECK(std::current_exception() == nullptr);
      yield_now();
    };
    auto first = create_task(body, 1), second = create_task(body, 2);
    auto third = create_task([] {
      for (int i = 0; i < 4; ++i) {
        CHECK(std::current_exception() == nullptr);
        yield_now();
      }
    });
    await(first), await(second), await(third);
  });
}

TEST_CASE("a coroutine with a stack of its own yields in the name of the task that awaits it") {
  testing::run([] {
    Log log;
    const auto body = [&log](std::string name) {
      Coroutine<> inner = [&] {
        for (int i = 0; i < 2; ++i) {
          yield_now();
          log(name + " inside");
        }
      };
      yield_now();
      await(inner);
      yield_now();
      log(name);
    };
    auto a = create_task(body, "a"), b = create_task(body, "b");
    await(a), await(b);
    CHECK(log == Log{"a inside", "b inside", "a inside", "b inside", "a", "b"});
  });
}

TEST_CASE("tasks that stand at a yield when their loop is closed are unwound") {
  Log log;
  {
    EventLoop loop;
    loop.call_soon([&] {
      for (int i = 0; i < 3; ++i)
        create_task([&log] {
          struct Tell {
            Log& log;
            ~Tell() { log("gone"); }
          } const tell{log};
          for (;;) yield_now();
        });
    });
    int turns_left = 100;
    std::function<void()> again = [&] {
      if (--turns_left == 0) return loop.stop();
      loop.call_soon(again);
    };
    loop.call_soon(again);
    loop.set_exception_handler([](const ExceptionContext&) {});
    loop.run_forever();
    CHECK(log.empty());
  }
  CHECK(log == Log{"gone", "gone", "gone"});
}

TEST_CASE("now() needs a loop") {
  CHECK(error_of([] { now(); }) == "RuntimeError('now: no running event loop')");
}

TEST_CASE("on the real clock no sleep ends early") {
  testing::RunOptions options;
  options.real_time = true;
  testing::run(std::move(options), [] {
    for (const Duration delay : {Duration(1ns), Duration(100us), Duration(1500us)}) {
      const auto start = std::chrono::steady_clock::now();
      sleep(delay);
      CHECK(std::chrono::steady_clock::now() - start >= delay);
    }
  });
}

TEST_CASE("a negative delay is a ValueError that names it, and no turn passes") {
  testing::run([] {
    CHECK(turns([] {
            CHECK(error_of([] { sleep(-5ns); }) ==
                  "ValueError('sleep: delay is negative (-5 ns)')");
          }) == 0);
  });
}

TEST_SUITE_END();
