#include <weft/task/no_suspend.h>

#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/coro/await.h>
#include <weft/coro/generator.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::turns;

TEST_SUITE_BEGIN("NoSuspend");

namespace {
constexpr const char* kError =
    "RuntimeError('a wait inside a NoSuspend block: nothing here may be suspended')";
}  // namespace

TEST_CASE("whatever waits inside the block throws, and the task has not been suspended") {
  testing::run([] {
    CHECK(turns([] {
            const NoSuspend block;
            CHECK(error_of([] { sleep(1s); }) == kError);
            CHECK(error_of([] { yield_now(); }) == kError);
            CHECK(error_of([] { await(Future<>()); }) == kError);
            CHECK(error_of([] { trap(std::nullopt); }) == kError);
            CHECK(error_of([] { await(Coroutine<>([] { sleep(1s); })); }) == kError);
          }) == 0);
    CHECK(detail::core_of(get_running_loop()).timers.empty());
  });
}

TEST_CASE("a yield inside the block throws also when others stand at one") {
  testing::run([] {
    const auto other = create_task([] { yield_now(); });
    yield_now();
    {
      const NoSuspend block;
      CHECK(error_of([] { yield_now(); }) == kError);
    }
    await(other);
  });
}

TEST_CASE("what does not wait is free, and behind the block all is") {
  testing::run([] {
    {
      const NoSuspend block;
      const Future<int> done;
      done.set_result(1);
      CHECK(await(done) == 1);
      CHECK(await(Coroutine<int>([] { return 2; })) == 2);
    }
    CHECK(turns([] { yield_now(); }) == 1);
  });
}

TEST_CASE("blocks nest") {
  testing::run([] {
    const NoSuspend outer;
    {
      const NoSuspend inner;
    }
    CHECK(error_of([] { yield_now(); }) == kError);
  });
}

TEST_CASE("what the block drives by hand may suspend") {
  testing::run([] {
    const NoSuspend block;
    Generator<int> numbers([](auto& self) { self.yield(1), self.yield(2); });
    CHECK(numbers.next().value() == 1);
    Coroutine<> traps([] { trap(5); });
    CHECK(traps.send().value().get<int>() == 5);
    Coroutine<> sleeps([] { sleep(1s); });
    CHECK_FALSE(sleeps.send().done());
  });
}

TEST_CASE("a task that begins inside the block may suspend: that leads back into it") {
  testing::run([] {
    std::optional<Task<>> task;
    {
      const NoSuspend block;
      task = create_task({.eager_start = true}, [] { yield_now(); });
      CHECK_FALSE(task->done());
    }
    await(*task);
  });
}

TEST_CASE("a block of a coroutine that is driven by hand") {
  Coroutine<std::string> coroutine([] {
    const NoSuspend block;
    return error_of([] { trap(1); });
  });
  CHECK(coroutine.send().result() == kError);
}

TEST_CASE("a block ends with the exception that leaves it") {
  testing::run([] {
    error_of([] {
      const NoSuspend block;
      throw ValueError();
    });
    yield_now();
  });
}

TEST_CASE("outside coroutines a block has no effect") {
  EventLoop loop;
  Log log;
  in_loop(
      loop,
      [&] {
        const NoSuspend block;
        create_task([&] { log("runs"), yield_now(), log("ends"); });
      },
      3);
  CHECK(log == Log{"runs", "ends"});
}

TEST_SUITE_END();
