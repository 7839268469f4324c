#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/base/hooks.h>
#include <weft/coro/await.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("Runner");

TEST_CASE("a runner runs one main after the other on one loop, and gives their results") {
  Runner runner(virtual_time());
  EventLoop* first = nullptr;
  CHECK(runner.run([&] {
    first = &get_running_loop();
    sleep(1h);
    return current_task().name();
  }) == "main");
  runner.run([&] { CHECK(&get_running_loop() == first); });
  CHECK(&runner.get_loop() == first);
}

TEST_CASE("what a run sets, the next one sees, and nobody outside") {
  ContextVar<int> var("v", 0);
  Runner runner;
  runner.run([&] { var.set(1); });
  CHECK(runner.run([&] { return var.get(); }) == 1);
  CHECK(var.get() == 0);
  const int own = runner.run({.context = Context()}, [&] { return var.get(); });
  CHECK(own == 0);
}

TEST_CASE("the context of a runner is a copy of that in which it was made") {
  Context().run([] {
    ContextVar<int> var("v", 0);
    var.set(1);
    Runner runner;
    var.set(2);
    CHECK(runner.run([&] { return var.get(); }) == 1);
  });
}

TEST_CASE("a task that is left goes on in the next run") {
  Runner runner(virtual_time());
  std::optional<Task<int>> left;
  runner.run([&] {
    left = create_task([] {
      sleep(1s);
      return 5;
    });
  });
  CHECK_FALSE(left->done());
  CHECK(runner.run([&] { return await(*left); }) == 5);
}

TEST_CASE("close() cancels and awaits what is left") {
  Log log;
  Runner runner(virtual_time());
  runner.run([&] {
    create_task([&] {
      log(error_of([] { sleep(1h); }));
      sleep(1s);
      log("cleaned up");
    });
    yield_now();
  });
  CHECK(log.empty());
  runner.close();
  CHECK(log == Log{"CancelledError()", "cleaned up"});
  runner.close();
}

TEST_CASE("the destructor closes") {
  Log log;
  {
    Runner runner;
    runner.run([&] {
      create_task([&] { log(error_of([] { sleep(1h); })); });
      yield_now();
    });
  }
  CHECK(log == Log{"CancelledError()"});
}

TEST_CASE("a runner that is closed runs nothing more") {
  Runner runner;
  runner.close();
  CHECK(error_of([&] { runner.run([] {}); }) == "RuntimeError('Runner is closed')");
  CHECK(error_of([&] { runner.get_loop(); }) == "RuntimeError('Runner is closed')");
}

TEST_CASE("an exception of main comes out, and the runner serves on") {
  Runner runner;
  CHECK(error_of([&] { runner.run([] { throw ValueError("x"); }); }) == "ValueError('x')");
  CHECK(runner.run([] { return 1; }) == 1);
}

TEST_CASE("a runner does not run inside a running loop") {
  Runner runner;
  CHECK(error_of([&] { runner.run([&] { runner.run([] {}); }); }) ==
        "RuntimeError('run() cannot be called from a running event loop')");
}

TEST_CASE("what goes wrong in the destructor goes to the unraisable hook") {
  Log log;
  const auto before = set_unraisable_hook([&](std::exception_ptr error, std::string_view where) {
    log(describe(error) + " " + std::string(where));
  });
  {
    Runner runner;
    runner.run([&] {
      create_task([] {
        error_of([] { sleep(1h); });
        throw KeyboardInterrupt();
      });
      yield_now();
    });
  }
  set_unraisable_hook(before);
  CHECK(log == Log{"KeyboardInterrupt() while closing a Runner"});
}

TEST_SUITE_END();
