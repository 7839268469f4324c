// Tasks, seen from a forked child.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/task/future.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/task/wait_queue.h>
#include <weft/testing/run.h>

#include "../child.h"
#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("tasks in a forked child");

namespace {

std::string refused(const std::string& call = "") {
  return "RuntimeError('" + (call.empty() ? "" : call + ": ") +
         "the event loop belongs to another process')";
}

}  // namespace

TEST_CASE("what waits is refused, and says why") {
  testing::run([] {
    const Future<> future;
    WaitQueue queue;
    const auto error = [](auto&& call) { return in_child([&] { return error_of(call); }); };
    CHECK(error([] { sleep(1s); }) == refused());
    CHECK(error([] { yield_now(); }) == refused());
    CHECK(error([] { await(Coroutine<>([] { yield_now(); })); }) == refused());
    CHECK(error([&] { future.await(); }) == refused());
    CHECK(error([&] { queue.park("Event.wait"); }) == refused());
    CHECK(error([] { timeout(1s, [] {}); }) == refused());
    CHECK(error([] { create_task([] {}); }) == refused("create_task"));
    EventLoop* const loop = &get_running_loop();
    CHECK(error([=] { create_task({.loop = loop}, [] {}); }) == refused());
    CHECK(error([] { Future<int>(); }) == refused());
    sleep(1s);  // here all is as before
    yield_now();
  });
}

TEST_CASE("what needs no loop works: generators, and coroutines that are driven by hand") {
  testing::run([] {
    CHECK(in_child([] {
            Coroutine<> hand([] { trap(1); });
            return std::to_string(hand.send().value().get<int>());
          }) == "1");
  });
}

TEST_CASE("a child may run tasks of its own, inside one of its parent's") {
  testing::run([] {
    CHECK(in_child([] {
            Log log;
            weft::run(virtual_time(), [&] {
              const auto task = create_task([&] {
                sleep(1s);
                log("task");
              });
              yield_now();
              task.await();
              log("main");
            });
            return log == Log{"task", "main"} ? error_of([] { sleep(1s); }) : "another order";
          }) == refused());
  });
}

TEST_CASE("a task that ends in the child ends run() there, and no other goes on") {
  const Ending ending = run_in_child([] {
    pid_t child = -1;
    const std::string error = error_of([&] {
      weft::run(virtual_time(), [&] {
        const auto other = create_task([&] {
          if (child == 0) _exit(1);
        });
        create_task([&] { sleep(1h); });
        child = ::fork();
      });
    });
    if (child == 0) _exit(error == refused() ? 7 : 2);
    int status = 0;
    ::waitpid(child, &status, 0);
    _exit(error == "nothing" ? WEXITSTATUS(status) : 3);
  });
  CHECK(ending.status == 7);
}

TEST_CASE("so does one that fails there, and one that runs inside its creation") {
  const Ending ending = run_in_child([] {
    pid_t child = -1;
    const std::string error = error_of([&] {
      weft::run(virtual_time(), [&] {
        const std::string inner = error_of([&] {
          create_task({.eager_start = true}, [&] {
            child = ::fork();
            if (child == 0) throw ValueError("x");
          });
        });
        if (child == 0 && inner != refused()) _exit(1);
        if (child == 0 && error_of([] { yield_now(); }) != refused()) _exit(4);
      });
    });
    if (child == 0) _exit(error == refused() ? 7 : 2);
    int status = 0;
    ::waitpid(child, &status, 0);
    _exit(error == "nothing" ? WEXITSTATUS(status) : 3);
  });
  CHECK(ending.status == 7);
}

TEST_CASE("what other tasks wait on can be used, and go, in the child") {
  testing::run([] {
    auto queue = std::make_unique<WaitQueue>();
    const auto task = create_task([&] { queue->park("Event.wait"); });
    testing::settle();
    CHECK(in_child([&] {
            queue.reset();
            return "gone";
          }) == "gone");
    CHECK(in_child([&] {
            queue->wake_one();
            return "woken";
          }) == "woken");
    CHECK_FALSE(task.done());
    queue->wake_one();
    task.await();
  });
}

TEST_SUITE_END();
