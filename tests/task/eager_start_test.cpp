#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/coro/await.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("eager start");

namespace {

template <class F>
auto start(F&& f) {
  return create_task({.eager_start = true}, std::forward<F>(f));
}

}  // namespace

TEST_CASE("an eager task that does not wait has ended when create_task() returns") {
  testing::run([] {
    const auto task = start([] { return 5; });
    CHECK(task.done());
    CHECK(task.result() == 5);
    CHECK(turns([&] { await(task); }) == 0);
  });
}

TEST_CASE("at its first wait its creator goes on, and it goes on like any other") {
  testing::run([] {
    Log log;
    const auto other = create_task([&] { log("other"); });
    const auto task = start([&] {
      log("begins");
      sleep(1s);
      log("ends");
    });
    log("creator");
    await(task);
    CHECK(log == Log{"begins", "creator", "other", "ends"});
  });
}

TEST_CASE("at a yield, too, its creator goes on, whoever else stands at one") {
  testing::run([] {
    Log log;
    const auto other = create_task([&] {
      yield_now();
      log("other");
    });
    yield_now();
    const auto task = start([&] {
      yield_now();
      log("task");
    });
    log("creator");
    await(task);
    await(other);
    CHECK(log == Log{"creator", "other", "task"});
  });
}

TEST_CASE("an eager task is the current one while it runs, and its creator is behind that") {
  testing::run([] {
    std::string inside;
    create_task({.name = "eager", .eager_start = true}, [&] { inside = current_task().name(); });
    CHECK(inside == "eager");
    CHECK(current_task().name() == "main");
  });
}

TEST_CASE("eager tasks nest") {
  testing::run([] {
    Log log;
    std::optional<Task<>> inner;
    const auto outer = start([&] {
      inner = start([&] {
        log("inner");
        sleep(1s);
        log("inner ends");
      });
      log("outer");
      sleep(2s);
      log("outer ends");
    });
    log("creator");
    await(outer);
    CHECK(inner->done());
    CHECK(log == Log{"inner", "outer", "creator", "inner ends", "outer ends"});
  });
}

TEST_CASE("an eager task may wait for its own creator's task in turn") {
  testing::run([] {
    const Future<int> future;
    const auto task = start([&] { return await(future) + 1; });
    CHECK_FALSE(task.done());
    future.set_result(1);
    CHECK(await(task) == 2);
  });
}

TEST_CASE("an exception of an eager task stays in it") {
  testing::run([] {
    const auto task = start([] { throw ValueError("x"); });
    CHECK(error_of([&] { task.result(); }) == "ValueError('x')");
  });
}

TEST_CASE("KeyboardInterrupt of an eager task comes out of create_task(), too") {
  testing::run([] {
    CHECK_THROWS_AS(start([] { throw KeyboardInterrupt(); }), KeyboardInterrupt);
    yield_now();  // and not out of the loop
  });
}

TEST_CASE("an eager task that cancels itself is told where it waits first") {
  testing::run([] {
    Log log;
    const auto task = start([&] {
      current_task().cancel();
      log(error_of([] { sleep(1s); }));
    });
    CHECK(log.empty());
    await(task);
    CHECK(log == Log{"CancelledError()"});
  });
}

TEST_CASE("an eager task may be made in a callback") {
  EventLoop loop;
  Log log;
  in_loop(
      loop,
      [&] {
        start([&] {
          log("begins");
          yield_now();
          log("ends");
        });
        log("callback");
      },
      2);
  CHECK(log == Log{"begins", "callback", "ends"});
}

TEST_CASE("an eager task suspends inside a handler without touching its creator's") {
  testing::run([] {
    try {
      throw ValueError("creator");
    } catch (...) {
      const auto task = start([] {
        try {
          throw TypeError("eager");
        } catch (...) {
          sleep(1s);
          CHECK(describe(std::current_exception()) == "TypeError('eager')");
        }
      });
      CHECK(describe(std::current_exception()) == "ValueError('creator')");
      await(task);
    }
  });
}

TEST_CASE("a coroutine may be started eagerly") {
  testing::run([] {
    CHECK(create_task({.eager_start = true}, Coroutine<int>([] { return 3; })).result() == 3);
  });
}

TEST_CASE("a coroutine that cannot be started fails the task") {
  testing::run([] {
    Coroutine<> used([] {});
    used.send();
    const auto task = create_task({.eager_start = true}, std::move(used));
    CHECK(error_of([&] { task.result(); }) ==
          "RuntimeError('cannot reuse already awaited coroutine')");
  });
}

TEST_CASE("outside its loop a task does not start eagerly") {
  EventLoop loop(virtual_time());
  Log log;
  const auto task = create_task({.loop = &loop, .eager_start = true}, [&] { log("begins"); });
  CHECK(log.empty());
  run_until_complete(loop, task);
  CHECK(log == Log{"begins"});
}

TEST_SUITE_END();
