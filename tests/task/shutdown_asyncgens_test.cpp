#include <weft/task/shutdown_asyncgens.h>

#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/coro/async_for.h>
#include <weft/coro/async_generator.h>
#include <weft/task/run.h>
#include <weft/task/task.h>
#include <weft/task/wait_queue.h>
#include <weft/testing/log.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("asynchronous generators and loops");

namespace {

/// Ticks once a second; its end takes a second, too.
AsyncGenerator<int> ticks(Log& log) {
  return {[&log](auto& self) {
    try {
      for (int i = 0;; ++i) {
        sleep(1s);
        self.yield(i);
      }
    } catch (const GeneratorExit&) {
      sleep(1s);
      log("closed");
      throw;
    } catch (const CancelledError&) {
      log("cancelled");
      throw;
    }
  }};
}

}  // namespace

TEST_CASE("an item is waited for in the task that asks for it") {
  testing::run([] {
    Log log;
    auto gen = ticks(log);
    const TimePoint start = now();
    CHECK(await(gen.anext()) == 0);
    CHECK(await(gen.anext()) == 1);
    CHECK(now() - start == 2s);
    await(gen.aclose());
    CHECK(now() - start == 3s);
    CHECK(log == Log{"closed"});
  });
}

TEST_CASE("a wait in the body costs as many turns as one in the task") {
  testing::run([] {
    AsyncGenerator<int> gen([](auto& self) {
      sleep(0s);
      self.yield(1);
      self.yield(2);
    });
    CHECK(turns([&] { await(gen.anext()); }) == 1);
    CHECK(turns([&] { await(gen.anext()); }) == 0);
  });
}

TEST_CASE("a cancellation reaches the body where it waits") {
  testing::run([] {
    Log log;
    auto task = create_task([&] { async_for(ticks(log), [](int) {}); });
    sleep(1500ms);
    task.cancel();
    CHECK_THROWS_AS(await(task), CancelledError);
    CHECK(log == Log{"cancelled"});
  });
}

TEST_CASE("a cancelled wait in the body costs nobody a wake-up") {
  testing::run([] {
    WaitQueue queue;
    AsyncGenerator<int> gen([&](auto& self) {
      queue.park("queue");
      self.yield(1);
    });
    auto leaves = create_task([&] { await(gen.anext()); });
    auto stays = create_task([&] { queue.park("queue"); });
    settle();
    leaves.cancel();
    queue.wake_one();  // the same turn: it is the first in line
    settle();
    CHECK(leaves.cancelled());
    CHECK(stays.done());
  });
}

TEST_CASE("what a future fails with is raised in the body that waits for it") {
  testing::run([] {
    const Future<> future;
    AsyncGenerator<int> gen([&](auto& self) {
      try {
        await(future);
      } catch (const ValueError&) {
        self.yield(1);
      }
    });
    auto task = create_task([&] { return await(gen.anext()); });
    settle();
    future.set_exception(ValueError());
    CHECK(await(task) == 1);
  });
}

TEST_CASE("one that is dropped half-way is closed by a task, which may wait") {
  testing::run([] {
    Log log;
    {
      auto gen = ticks(log);
      await(gen.anext());
    }
    CHECK(log.empty());
    CHECK(all_tasks().size() == 1);  // the task is made in the next turn
    yield_now();
    CHECK(all_tasks().size() == 2);
    sleep(1s);
    settle();
    CHECK(log == Log{"closed"});
  });
}

TEST_CASE("an error of that task is told as any task's") {
  testing::run([] {
    const Told told;
    {
      AsyncGenerator<int> gen([](auto& self) {
        try {
          self.yield(1);
        } catch (const GeneratorExit&) {
          throw ValueError("no");
        }
      });
      await(gen.anext());
    }
    settle();
    CHECK(told.log == Log{"Task exception was never retrieved: ValueError('no')"});
  });
}

TEST_CASE("a cancellation of that task before its first step is raised in the body") {
  testing::run([] {
    Log log;
    {
      AsyncGenerator<int> gen([&](auto& self) {
        try {
          self.yield(1);
        } catch (const CancelledError&) {
          log("cancelled");
          throw;
        }
      });
      await(gen.anext());
    }
    get_running_loop().call_soon([] { all_tasks().back().cancel(); });
    settle();
    CHECK(log == Log{"cancelled"});
  });
}

TEST_CASE("shutdown_asyncgens() closes those that are left, side by side") {
  testing::run([] {
    Log log;
    auto a = ticks(log);
    auto b = ticks(log);
    await(a.anext());
    await(b.anext());
    const TimePoint start = now();
    shutdown_asyncgens(get_running_loop());
    CHECK(now() - start == 1s);
    CHECK(log == Log{"closed", "closed"});
    CHECK(turns([] { shutdown_asyncgens(get_running_loop()); }) == 0);
  });
}

TEST_CASE("shutdown_asyncgens() tells the exception handler of errors") {
  testing::run([] {
    const Told told;
    const auto failing = [](auto error) {
      return AsyncGenerator<int>([error](auto& self) {
        try {
          self.yield(1);
        } catch (const GeneratorExit&) {
          throw error;
        }
      });
    };
    auto a = failing(ValueError("no"));
    auto b = failing(CancelledError());
    await(a.anext());
    await(b.anext());
    shutdown_asyncgens(get_running_loop());
    CHECK(told.log ==
          Log{"an error occurred during closing of an asynchronous generator: ValueError('no')"});
  });
}

TEST_CASE("shutdown_asyncgens() is for the loop that runs") {
  testing::run([] {
    EventLoop other;
    CHECK(error_of([&] { shutdown_asyncgens(other); }) ==
          "ValueError('loop: it is not the one that runs')");
  });
  EventLoop loop;
  CHECK(error_of([&] { shutdown_asyncgens(loop); }) ==
        "RuntimeError('shutdown_asyncgens: no running event loop')");
}

TEST_CASE("run() closes what main has left open") {
  Log log;
  std::optional<AsyncGenerator<int>> kept;
  run(virtual_time(), [&] {
    kept.emplace(ticks(log));
    await(kept->anext());
  });
  CHECK(log == Log{"closed"});
  CHECK(kept->is_closed());
}

TEST_CASE("run() cancels, as any task, the one that closes what main drops in its last turn") {
  Log log;
  run(virtual_time(), [&] {
    AsyncGenerator<int> gen([&](auto& self) {
      try {
        self.yield(1);
      } catch (const CancelledError&) {
        log("cancelled");
        throw;
      }
    });
    await(gen.anext());
  });
  CHECK(log == Log{"cancelled"});
}

TEST_CASE("when the loop is closed, generators are closed on the spot") {
  Log log;
  std::optional<AsyncGenerator<int>> kept;
  {
    EventLoop loop(virtual_time());
    in_loop(
        loop,
        [&] {
          create_task([&] {
            kept.emplace([&](auto& self) {
              try {
                self.yield(1);
              } catch (const GeneratorExit&) {
                log("closed");
                throw;
              }
            });
            await(kept->anext());
          });
        },
        3);
    loop.close();
    kept.reset();
    CHECK(log == Log{"closed"});
  }
}

TEST_CASE("a task that a generator makes while run() closes it is cancelled and awaited") {
  Log log;
  Log reports;
  std::optional<AsyncGenerator<int>> gen;
  run(virtual_time(), [&] {
    get_running_loop().set_exception_handler(
        [&](const ExceptionContext& context) { reports(std::string(context.message)); });
    gen.emplace([&](auto& self) {
      try {
        self.yield(1);
      } catch (const GeneratorExit&) {
        create_task({.name = "late"}, [&] { log(error_of([] { sleep(1h); })); });
        yield_now();  // it begins
        throw;
      }
    });
    await(gen->anext());
  });
  CHECK(log == Log{"CancelledError()"});
  CHECK(reports.empty());
}

TEST_SUITE_END();
