#include <weft/task/task_group.h>

#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/base/exception_group.h>
#include <weft/coro/coroutine.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("TaskGroup");

TEST_CASE("the block ends when all tasks have") {
  testing::run([] {
    const TimePoint start = now();
    Log log;
    task_group([&](TaskGroup& group) {
      group.create_task([&] { sleep(2s), log("two"); });
      group.create_task([&] { sleep(1s), log("one"); });
      log("body");
    });
    CHECK(log == Log{"body", "one", "two"});
    CHECK(now() - start == 2s);
  });
}

TEST_CASE("a group without tasks does not suspend") {
  testing::run([] { CHECK(turns([] { task_group([](TaskGroup&) {}); }) == 0); });
}

TEST_CASE("the end of the last task is heard of in the turn behind it, and the body goes on next") {
  testing::run([] {
    CHECK(turns([] { task_group([](TaskGroup& group) { group.create_task([] {}); }); }) == 1);
  });
}

TEST_CASE("a task may be made of all that create_task() takes") {
  testing::run([] {
    task_group([](TaskGroup& group) {
      const Task<int> sum = group.create_task([](int a, int b) { return a + b; }, 2, 3);
      const Task<int> coroutine = group.create_task(Coroutine<int>([] { return 6; }));
      const Task<> named =
          group.create_task({.name = "n"}, [](std::unique_ptr<int>) {}, std::make_unique<int>(1));
      CHECK(named.name() == "n");
      CHECK(await(sum) == 5);
      CHECK(await(coroutine) == 6);
    });
  });
}

TEST_CASE("a task of a group knows the line where it was made") {
  testing::run([] {
    task_group([](TaskGroup& group) {
      const Task<> task = group.create_task([] {});
      const unsigned int line = __LINE__ - 1;
      CHECK(detail::Access::state(task)->task()->routine->label.line == line);
    });
  });
}

TEST_CASE("tasks may make more tasks while the block waits") {
  testing::run([] {
    Log log;
    task_group([&](TaskGroup& group) {
      group.create_task([&] {
        sleep(1s);
        group.create_task([&] { sleep(1s), log("late"); });
      });
    });
    CHECK(log == Log{"late"});
  });
}

TEST_CASE("what the body returns is given, as an optional") {
  testing::run([] {
    const std::optional<std::unique_ptr<int>> result =
        task_group([](TaskGroup&) { return std::make_unique<int>(7); });
    REQUIRE(result);
    CHECK(**result == 7);
    static_assert(std::is_void_v<decltype(task_group([] {}))>);
  });
}

TEST_CASE("a task that fails has the others cancelled, in order of creation, and the body") {
  testing::run([] {
    Log log;
    const auto note = [&](const char* name) {
      return [&log, name] { log(name + error_of([] { sleep(1h); })); };
    };
    const std::string error = error_of([&] {
      task_group([&](TaskGroup& group) {
        group.create_task(note("a "));
        group.create_task([] {
          sleep(1s);
          throw ValueError("b");
        });
        group.create_task(note("c "));
        try {
          sleep(1h);
        } catch (const CancelledError&) {
          log("body");
          throw;
        }
      });
    });
    CHECK(error == "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('b')])");
    CHECK(log == Log{"a CancelledError()", "c CancelledError()", "body"});
    CHECK(current_task().cancelling() == 0);
  });
}

TEST_CASE("all failures are in the group, in the order in which they were heard of") {
  testing::run([] {
    const std::string error = error_of([] {
      task_group([](TaskGroup& group) {
        group.create_task([] {
          try {
            sleep(1h);
          } catch (const CancelledError&) {
            throw TypeError("clean-up");
          }
        });
        group.create_task([] { throw ValueError("first"); });
        sleep(0s);
        sleep(0s);
        throw RuntimeError("not reached");
      });
    });
    CHECK(error ==
          "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('first'), "
          "TypeError('clean-up')])");
  });
}

TEST_CASE("a body that fails has the tasks cancelled, and is last in the group") {
  testing::run([] {
    Log log;
    const std::string error = error_of([&] {
      task_group([&](TaskGroup& group) {
        group.create_task([&] { log(error_of([] { sleep(1h); })); });
        settle();
        throw ValueError("body");
      });
    });
    CHECK(log == Log{"CancelledError()"});
    CHECK(error == "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('body')])");
  });
}

TEST_CASE("a task that is cancelled by hand is no failure") {
  testing::run([] {
    task_group([](TaskGroup& group) {
      const auto task = group.create_task([] { sleep(1h); });
      settle();
      task.cancel();
    });
  });
}

TEST_CASE("a body that throws CancelledError by itself ends with it") {
  testing::run([] {
    CHECK(error_of([] {
            task_group([](TaskGroup& group) {
              group.create_task([] { sleep(1h); });
              throw CancelledError("mine");
            });
          }) == "CancelledError('mine')");
  });
}

TEST_CASE("cancelling the task cancels what the group waits for, then comes out") {
  testing::run([] {
    Log log;
    const auto outer = create_task([&] {
      task_group([&](TaskGroup& group) {
        group.create_task([&] {
          log(error_of([] { sleep(1h); }));
          sleep(1s);
          log("cleaned up");
        });
      });
    });
    settle();
    outer.cancel("stop");
    settle();
    CHECK_FALSE(outer.done());
    CHECK(error_of([&] { await(outer); }) == "CancelledError('stop')");
    CHECK(log == Log{"CancelledError()", "cleaned up"});
  });
}

TEST_CASE("a second cancellation does not end the wait for the tasks") {
  testing::run([] {
    Log log;
    const auto outer = create_task([&] {
      task_group([&](TaskGroup& group) {
        group.create_task([&] {
          error_of([] { sleep(1h); });
          sleep(1s);
          log("cleaned up");
        });
      });
    });
    settle();
    outer.cancel("first");
    settle();
    outer.cancel("second");
    CHECK(error_of([&] { await(outer); }) == "CancelledError('first')");
    CHECK(log == Log{"cleaned up"});
  });
}

TEST_CASE("a failure goes before the cancellation that caused it") {
  testing::run([] {
    const auto outer = create_task([] {
      task_group([](TaskGroup& group) {
        group.create_task([] {
          error_of([] { sleep(1h); });
          throw ValueError("clean-up");
        });
      });
    });
    settle();
    outer.cancel();
    CHECK(error_of([&] { await(outer); }) ==
          "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('clean-up')])");
  });
}

TEST_CASE("a cancellation in the turn in which the last task ends is not lost") {
  testing::run([] {
    const Future<> gate;
    const auto outer = create_task(
        [&] { task_group([&](TaskGroup& group) { group.create_task([&] { gate.await(); }); }); });
    settle();
    gate.set_result();
    yield_now();  // the task ends
    yield_now();  // the group hears of it
    outer.cancel();
    CHECK_THROWS_AS(await(outer), CancelledError);
  });
}

TEST_CASE("KeyboardInterrupt and SystemExit of the body come out alone") {
  testing::run([] {
    CHECK(error_of([] {
            task_group([](TaskGroup& group) {
              group.create_task([] {
                error_of([] { sleep(1h); });
                throw ValueError("less");
              });
              settle();
              throw SystemExit("3");
            });
          }) == "SystemExit('3')");
  });
}

TEST_CASE("KeyboardInterrupt of a task leaves the loop; the group throws it when that goes on") {
  EventLoop loop;
  std::string error;
  std::optional<Task<>> task;
  in_loop(loop, [&] {
    task = create_task([&] {
      error = error_of([] {
        task_group([](TaskGroup& group) { group.create_task([] { throw KeyboardInterrupt(); }); });
      });
    });
  });
  CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
  run_until_complete(loop, *task);
  CHECK(error == "KeyboardInterrupt()");
}

TEST_SUITE_END();
