// Tasks and their loop: order, KeyboardInterrupt, and loops that are closed over them.
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/hooks.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("tasks and their loop");

// ---- order

TEST_CASE("three tasks that yield take turns with a callback as in asyncio") {
  testing::run([] {
    Log log;
    const auto body = [&](const std::string& name) {
      return create_task([&log, name] {
        for (int i = 0; i < 3; ++i) {
          log(name + std::to_string(i));
          yield_now();
        }
      });
    };
    auto a = body("a");
    auto b = body("b");
    auto c = body("c");
    get_running_loop().call_soon([&] { log("callback"); });
    for (const Task<>& task : {a, b, c}) await(task);
    CHECK(log == Log{"a0", "b0", "c0", "callback", "a1", "b1", "c1", "a2", "b2", "c2"});
  });
}

TEST_CASE("a task made by a task runs in the next turn, behind those that were ready") {
  testing::run([] {
    Log log;
    auto a = create_task([&] {
      log("a");
      create_task([&] { log("child"); });
      yield_now();
      log("a again");
    });
    auto b = create_task([&] {
      log("b");
      yield_now();
      log("b again");
    });
    await(a);
    await(b);
    CHECK(log == Log{"a", "b", "child", "a again", "b again"});
  });
}

TEST_CASE("hand-off from task to task keeps callbacks on the loop's own stack, in their place") {
  testing::run([] {
    Log log;
    EventLoop& loop = get_running_loop();
    for (int i = 0; i < 3; ++i) {
      create_task([&log, i] { log("task " + std::to_string(i)); });
      loop.call_soon([&log, i] {
        log("callback " + std::to_string(i));
        CHECK_THROWS_AS(current_task(), RuntimeError);
      });
    }
    settle();
    CHECK(log == Log{"task 0", "callback 0", "task 1", "callback 1", "task 2", "callback 2"});
  });
}

TEST_CASE("a task that yields for ever does not keep timers and descriptors from others") {
  testing::run([] {
    auto busy = create_task([] {
      for (;;) yield_now();
    });
    const TimePoint start = now();
    auto& clock = static_cast<testing::VirtualClock&>(*detail::core_of(get_running_loop()).clock);
    auto sleeper = create_task([] { sleep(1s); });
    for (int i = 0; i < 100; ++i) yield_now();
    CHECK_FALSE(sleeper.done());
    clock.advance(1s);
    for (int i = 0; i < 100; ++i) yield_now();  // within 64 callbacks somebody looks at the clock
    CHECK(sleeper.done());
    CHECK(now() - start == 1s);
    busy.cancel();
    settle();
  });
}

// ---- KeyboardInterrupt

TEST_CASE("KeyboardInterrupt from a task leaves the loop, and the rest goes on later") {
  EventLoop loop(virtual_time());
  const Told told(loop);
  Log log;
  loop.call_soon([&] {
    create_task([&] {
      log("1");
      throw KeyboardInterrupt();
    });
    create_task([&] {
      log("2");
      yield_now();
      log("3");
      loop.stop();
    });
  });
  CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
  CHECK(log == Log{"1"});
  loop.run_forever();
  CHECK(log == Log{"1", "2", "3"});
  CHECK(told.log == Log{"Task exception was never retrieved: KeyboardInterrupt()"});
}

TEST_CASE("KeyboardInterrupt also wakes who waits for the task") {
  EventLoop loop(virtual_time());
  Log log;
  loop.call_soon([&] {
    auto task = create_task([] {
      yield_now();
      throw KeyboardInterrupt("why");
    });
    create_task([&loop, &log, task] {
      log(error_of([&] { await(task); }));
      loop.stop();
    });
  });
  CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
  loop.run_forever();
  CHECK(log == Log{"KeyboardInterrupt('why')"});
}

// ---- closing

namespace {

/// Says goodbye in a log.
struct Bye {
  Log& log;
  std::string text;
  ~Bye() { log(text); }
};

}  // namespace

TEST_CASE("a loop that is closed over its tasks says so, and unwinds their stacks") {
  Log log;
  std::optional<Task<>> kept;
  {
    EventLoop loop(virtual_time());
    const Told told(loop);
    in_loop(
        loop,
        [&] {
          kept = create_task([&] {
            const Bye bye{log, "sleeper"};
            sleep(1h);
          });
          create_task([&] {
            const Bye bye{log, "ready"};
            for (;;) yield_now();
          });
        },
        2);
    loop.close();
    const std::string line = "Task was destroyed but it is pending!: None";
    CHECK(told.log == Log{line, line});
  }
  CHECK(log == Log{"sleeper", "ready"});
  CHECK_FALSE(kept->done());  // and never will be
  kept->cancel();
}

TEST_CASE("a loop may be closed over tasks that have not begun, with or without handles") {
  const auto held = std::make_shared<int>(1);
  {
    EventLoop loop(virtual_time());
    const Told told(loop);
    const auto hook = set_unawaited_hook([](std::string_view) {});
    std::optional<Task<>> kept;
    in_loop(loop, [&] {
      create_task([held] {});
      kept = create_task([held] {});
    });
    CHECK(held.use_count() == 3);
    loop.close();
    CHECK(held.use_count() == 1);
    set_unawaited_hook(hook);
  }
}

TEST_CASE("tasks that wait for one another can be closed over") {
  Log log;
  EventLoop loop(virtual_time());
  const Told told(loop);
  in_loop(
      loop,
      [&] {
        const Future<> never;
        auto first = create_task([&log, never] {
          const Bye bye{log, "first"};
          never.await();
        });
        auto second = create_task([&log, first] {
          const Bye bye{log, "second"};
          await(first);
        });
        create_task([&log, first, second] {
          const Bye bye{log, "third"};
          await(second);
          await(first);
        });
      },
      3);
  loop.close();
  CHECK(log == Log{"first", "second", "third"});
}

TEST_CASE("a destructor that wakes another task while the loop is closed does no harm") {
  struct Sets {
    Future<> future;
    ~Sets() { future.set_result(); }
  };
  Log log;
  EventLoop loop(virtual_time());
  const Told told(loop);
  in_loop(
      loop,
      [&] {
        const Future<> future;
        create_task([future] {
          const Sets sets{future};
          sleep(1h);
        });
        create_task([&log, future] {
          const Bye bye{log, "woken"};
          future.await();
          log("not reached");
        });
      },
      3);
  loop.close();
  CHECK(log == Log{"woken"});
}

TEST_CASE("a task that will not be unwound is told of, and left alone") {
  Log unraisable;
  const auto hook = set_unraisable_hook(
      [&](std::exception_ptr error, std::string_view) { unraisable(describe(error)); });
  {
    EventLoop loop(virtual_time());
    const Told told(loop);
    in_loop(
        loop,
        [&] {
          create_task([] {
            for (;;) try {
                yield_now();
              } catch (...) {  // a mistake: it swallows GeneratorExit, too
              }
          });
        },
        2);
    loop.close();
  }
  set_unraisable_hook(hook);
  CHECK(unraisable == Log{"RuntimeError('coroutine ignored GeneratorExit')"});
}

TEST_CASE("a task may outlive its loop, as a handle on its result") {
  std::optional<Task<int>> done;
  std::optional<Task<int>> failed;
  {
    EventLoop loop(virtual_time());
    loop.call_soon([&] {
      done = create_task([] { return 3; });
      failed = create_task([]() -> int { throw ValueError("kept"); });
    });
    in_loop(loop, [] {}, 3);
  }
  CHECK(done->result() == 3);
  CHECK(error_of([&] { failed->result(); }) == "ValueError('kept')");
}

TEST_CASE("two loops on one thread, one after the other, keep their tasks apart") {
  EventLoop first(virtual_time());
  EventLoop second(virtual_time());
  Log log;
  const auto spawn = [&log](const char* name) {
    return [&log, name] {
      create_task([&log, name] {
        log(name);
        yield_now();
        log(name);
      });
    };
  };
  in_loop(first, spawn("first"), 2);
  in_loop(second, spawn("second"), 3);
  CHECK(all_tasks(first).size() == 1);
  CHECK(all_tasks(second).empty());
  in_loop(first, [] {}, 2);
  CHECK(log == Log{"first", "second", "second", "first"});
}

TEST_SUITE_END();
