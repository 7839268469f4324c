#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/base/exception_group.h>
#include <weft/coro/coroutine.h>
#include <weft/task/task_group.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("TaskGroup");

TEST_CASE("groups nest: the inner one's failure is one member of the outer one's") {
  testing::run([] {
    CHECK(error_of([] {
            task_group([](TaskGroup& outer) {
              outer.create_task([] {
                task_group(
                    [](TaskGroup& inner) { inner.create_task([] { throw ValueError("deep"); }); });
              });
              sleep(1h);
            });
          }) ==
          "ExceptionGroup('unhandled errors in a TaskGroup', [ExceptionGroup('unhandled "
          "errors in a TaskGroup', [ValueError('deep')])])");
  });
}

TEST_CASE("a timeout ends a group, and its tasks") {
  testing::run([] {
    Log log;
    CHECK_THROWS_AS(timeout(1s,
                            [&] {
                              task_group([&](TaskGroup& group) {
                                group.create_task([&] { log(error_of([] { sleep(1h); })); });
                              });
                            }),
                    TimeoutError);
    CHECK(log == Log{"CancelledError()"});
  });
}

TEST_CASE("a group that is made by itself serves for one block") {
  testing::run([] {
    TaskGroup group;
    CHECK(error_of([&] { group.create_task([] {}); }) ==
          "RuntimeError('TaskGroup has not been entered')");
    task_group(group, [&] { group.create_task([] {}); });
    CHECK(error_of([&] { group.create_task([] {}); }) == "RuntimeError('TaskGroup is finished')");
    CHECK(error_of([&] { task_group(group, [] {}); }) ==
          "RuntimeError('TaskGroup has already been entered')");
  });
}

TEST_CASE("a group that is being cancelled takes no more tasks, and leaves a coroutine alone") {
  testing::run([] {
    std::string error;
    error_of([&] {
      task_group([&](TaskGroup& group) {
        group.create_task([&] {
          error_of([] { sleep(1h); });
          Coroutine<> late([] {});
          error = error_of([&] { group.create_task(std::move(late)); });
          await(std::move(late));
        });
        settle();
        throw ValueError();
      });
    });
    CHECK(error == "RuntimeError('TaskGroup is shutting down')");
  });
}

TEST_CASE("a group needs a task around it") {
  EventLoop loop;
  std::string error;
  in_loop(loop, [&] { error = error_of([] { task_group([] {}); }); });
  CHECK(error == "RuntimeError('TaskGroup cannot determine the parent task')");
}

TEST_CASE("cancel() ends the body and the tasks without an error") {
  testing::run([] {
    Log log;
    const auto result = task_group([&](TaskGroup& group) {
      group.create_task([&] { log("task " + error_of([] { sleep(1h); })); });
      group.create_task([&] {
        sleep(1s);
        group.cancel();
        group.cancel();  // once is enough
      });
      sleep(1h);
      return 5;
    });
    CHECK_FALSE(result);
    CHECK(log == Log{"task CancelledError()"});
    CHECK(current_task().cancelling() == 0);
    sleep(1s);  // nothing is left of the cancellation
  });
}

TEST_CASE("cancel() while the block waits cancels the tasks only") {
  testing::run([] {
    TaskGroup group;
    const TimePoint start = now();
    const auto outside = create_task([&] {
      sleep(1s);
      group.cancel();
    });
    const auto result = task_group(group, [&] {
      group.create_task([] { sleep(1h); });
      return 5;
    });
    CHECK(result == 5);
    CHECK(now() - start == 1s);
    CHECK(current_task().cancelling() == 0);
    await(outside);
  });
}

TEST_CASE("cancel() before the block cancels its body where it waits first") {
  testing::run([] {
    TaskGroup group;
    group.cancel();
    Log log;
    task_group(group, [&] {
      log("begins");
      CHECK_THROWS_AS(group.create_task([] {}), RuntimeError);
      sleep(0s);
      log("not reached");
    });
    CHECK(log == Log{"begins"});
  });
}

TEST_CASE("a body that cancels its group, and does not wait, leaves nothing of the cancellation") {
  testing::run([] {
    task_group([](TaskGroup& group) { group.cancel(); });
    CHECK(current_task().cancelling() == 0);
    CHECK_NOTHROW(sleep(1s));
    TaskGroup cancelled;
    cancelled.cancel();
    task_group(cancelled, [] {});
    CHECK_NOTHROW(sleep(1s));
  });
}

TEST_CASE("cancel() behind the block has no effect") {
  testing::run([] {
    TaskGroup group;
    task_group(group, [] {});
    group.cancel();
    sleep(1s);
  });
}

TEST_CASE("an error of a task after cancel() is thrown") {
  testing::run([] {
    CHECK(error_of([] {
            task_group([](TaskGroup& group) {
              group.create_task([] {
                error_of([] { sleep(1h); });
                throw ValueError("clean-up");
              });
              settle();
              group.cancel();
              sleep(1h);
            });
          }) == "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('clean-up')])");
  });
}

TEST_CASE("cancel() leaves a cancellation from outside what it is") {
  testing::run([] {
    const auto outer = create_task([] {
      task_group([](TaskGroup& group) {
        group.cancel();
        sleep(1h);
      });
    });
    yield_now();
    outer.cancel("outside");
    CHECK_THROWS_AS(await(outer), CancelledError);
  });
}

TEST_CASE("a loop that is closed while a group waits closes the task, and the group lets go") {
  Log log;
  {
    EventLoop loop;
    const Told told(loop);
    in_loop(
        loop,
        [&] {
          create_task([&] {
            try {
              task_group([&](TaskGroup& group) { group.create_task([] { Future<>().await(); }); });
            } catch (const GeneratorExit&) {
              log("closed");
              throw;
            }
          });
        },
        3);
    loop.close();
  }
  CHECK(log == Log{"closed"});
}

TEST_CASE("a task that fails when its group has lost its block is told of") {
  EventLoop loop;
  Told told(loop);
  TaskGroup group;
  const Future<> gate(loop);
  {
    Coroutine<> block([&] {
      task_group(group, [&] {
        group.create_task([&] {
          gate.await();
          throw ValueError("late");
        });
      });
    });
    std::optional<Task<>> parent;
    in_loop(loop, [&] { parent = create_task([&] { block.send(); }); }, 3);
    CHECK(parent->done());
    error_of([&] { block.close(); });
    in_loop(loop, [&] { gate.set_result(); }, 4);
  }
  CHECK(told.log ==
        Log{"A task of a TaskGroup failed behind the end of its parent: ValueError('late')"});
}

TEST_SUITE_END();
