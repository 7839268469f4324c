// Cancellation of tasks: when it arrives, and what the task makes of it.
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/gather.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("cancelling a Task");

TEST_CASE("before it has begun: nothing of it ever runs") {
  testing::run([] {
    bool ran = false;
    auto task = create_task([&] { ran = true; });
    CHECK(task.cancel("early"));
    CHECK_FALSE(task.done());
    settle();
    CHECK(task.cancelled());
    CHECK_FALSE(ran);
    CHECK(error_of([&] { task.result(); }) == "CancelledError('early')");
  });
}

TEST_CASE("while it waits: the error is thrown where it waits, in the next turn") {
  testing::run([] {
    Log log;
    auto task = create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError& error) {
        log("inside: " + error.message());
        throw;
      }
    });
    settle();
    CHECK(task.cancel("why"));
    log("requested");
    CHECK_FALSE(task.done());
    settle();
    CHECK(log == Log{"requested", "inside: why"});
    CHECK(task.cancelled());
  });
}

TEST_CASE("while it is ready to run: the error is thrown where it waited") {
  testing::run([] {
    Log log;
    auto task = create_task([&] {
      yield_now();
      log("not reached");
    });
    yield_now();
    task.cancel();
    settle();
    CHECK(task.cancelled());
    CHECK(log.empty());
  });
}

TEST_CASE("after its end it has no effect") {
  testing::run([] {
    auto task = create_task([] { return 1; });
    settle();
    CHECK_FALSE(task.cancel());
    CHECK(task.result() == 1);
    CHECK(task.cancelling() == 0);
  });
}

TEST_CASE("by itself while it runs: the error comes with its next wait") {
  testing::run([] {
    Log log;
    auto task = create_task([&] {
      current_task().cancel("myself");
      log("goes on");
      sleep(1h);
      log("not reached");
    });
    settle();
    CHECK(log == Log{"goes on"});
    CHECK(error_of([&] { task.result(); }) == "CancelledError('myself')");
  });
}

TEST_CASE("by itself, and no wait follows: it ends as cancelled, though it has a result") {
  testing::run([] {
    auto task = create_task([] {
      current_task().cancel("too late");
      return 1;
    });
    settle();
    CHECK(task.cancelled());
    CHECK(error_of([&] { task.result(); }) == "CancelledError('too late')");
  });
}

TEST_CASE("by itself, and it fails: the exception counts") {
  testing::run([] {
    auto task = create_task([] {
      current_task().cancel();
      throw ValueError("worse");
    });
    settle();
    CHECK(error_of([&] { task.result(); }) == "ValueError('worse')");
  });
}

TEST_CASE("a cancellation that comes while it waits for a future cancels the future at once") {
  testing::run([] {
    const Future<> future;
    auto task = create_task([&] {
      current_task().cancel("pending");  // must be told at the wait that follows
      future.await();
    });
    settle();
    CHECK(future.cancelled());
    CHECK(error_of([&] { task.result(); }) == "CancelledError('pending')");
  });
}

TEST_CASE("twice in one turn it is thrown once, with the first message") {
  testing::run([] {
    const Future<> future;
    int thrown = 0;
    const auto body = [&thrown](const auto& wait) {
      return create_task([&thrown, wait] {
        for (int i = 0; i < 2; ++i) try {
            wait();
          } catch (const CancelledError& error) {
            ++thrown;
            if (error.message() != "one") throw;
          }
      });
    };
    auto sleeps = body([] { sleep(1s); });
    auto waits = body([&] { future.await(); });
    settle();
    for (const Task<>& task : {sleeps, waits}) {
      task.cancel("one");
      task.cancel("two");
      CHECK(task.cancelling() == 2);
    }
    settle();
    sleep(2s);
    CHECK(error_of([&] { sleeps.result(); }) == "nothing");  // it could sleep again
    CHECK(error_of([&] { waits.result(); }) == "nothing");
    CHECK(thrown == 3);  // the future was cancelled for the second wait, too
  });
}

TEST_CASE("a task may refuse, and be asked again") {
  testing::run([] {
    int refused = 0;
    auto task = create_task([&] {
      for (;;) try {
          sleep(1h);
          return refused;
        } catch (const CancelledError&) {
          if (++refused == 3) throw;
        }
    });
    for (int i = 1; i <= 3; ++i) {
      settle();
      CHECK_FALSE(task.done());
      CHECK(task.cancel());
      CHECK(task.cancelling() == i);
    }
    settle();
    CHECK(task.cancelled());
    CHECK(refused == 3);
  });
}

TEST_CASE("cancelling() counts requests, uncancel() takes them back, not below zero") {
  testing::run([] {
    auto task = create_task([] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
      }
      return current_task().uncancel();
    });
    settle();
    CHECK(task.cancelling() == 0);
    CHECK(task.uncancel() == 0);
    task.cancel();
    task.cancel();
    CHECK(task.cancelling() == 2);
    CHECK(await(task) == 1);
    CHECK(task.cancelling() == 1);
  });
}

TEST_CASE("uncancel() does not take back an error that is on its way") {
  testing::run([] {
    auto task = create_task([] { sleep(1h); });
    settle();
    task.cancel();
    CHECK(task.uncancel() == 0);
    settle();
    CHECK(task.cancelled());
  });
}

TEST_CASE("an exception in place of the CancelledError is the task's") {
  testing::run([] {
    auto task = create_task([] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        throw ValueError("cleanup failed");
      }
    });
    settle();
    task.cancel();
    settle();
    CHECK_FALSE(task.cancelled());
    CHECK(error_of([&] { task.result(); }) == "ValueError('cleanup failed')");
  });
}

TEST_CASE("the cleanup may wait") {
  testing::run([] {
    Log log;
    auto task = create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        sleep(1s);  // with the exception in flight
        log("cleaned");
        throw;
      }
    });
    settle();
    const TimePoint start = now();
    task.cancel("m");
    CHECK(error_of([&] { await(task); }) == "CancelledError('m')");
    CHECK(now() - start == 1s);
    CHECK(log == Log{"cleaned"});
  });
}

TEST_CASE("destructors run on the way out, innermost first") {
  struct Bye {
    Log& log;
    const char* text;
    ~Bye() { log(text); }
  };
  testing::run([] {
    Log log;
    auto task = create_task([&] {
      const Bye outer{log, "outer"};
      const Bye inner{log, "inner"};
      sleep(1h);
    });
    settle();
    task.cancel();
    settle();
    CHECK(log == Log{"inner", "outer"});
  });
}

TEST_CASE("catch (const std::exception&) does not stop it") {
  testing::run([] {
    auto task = create_task([] {
      try {
        sleep(1h);
      } catch (const std::exception&) {
        FAIL_CHECK("caught");
      }
    });
    settle();
    task.cancel();
    settle();
    CHECK(task.cancelled());
  });
}

// ---- through others

TEST_CASE("cancelling a task that awaits another cancels the innermost one") {
  testing::run([] {
    Log log;
    auto inner = create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        log("inner");
        throw;
      }
    });
    auto outer = create_task([&] {
      try {
        await(inner);
      } catch (const CancelledError& error) {
        log("outer: " + error.message());
        throw;
      }
    });
    settle();
    outer.cancel("all");
    settle();
    CHECK(log == Log{"inner", "outer: all"});
    CHECK(inner.cancelled());
    CHECK(outer.cancelled());
    CHECK(inner.cancelling() == 1);
  });
}

TEST_CASE("tasks that wait for one another in a ring can be cancelled") {
  testing::run([] {
    std::optional<Task<>> a;
    std::optional<Task<>> b;
    std::optional<Task<>> c;
    a = create_task([&] { await(*b); });
    b = create_task([&] { await(*c); });
    c = create_task([&] { await(*a); });
    settle();
    CHECK(b->cancel("ring"));
    settle();
    int messages = 0;
    for (const Task<>& task : {*a, *b, *c}) {
      CHECK(task.cancelled());
      messages += error_of([&] { task.result(); }) == "CancelledError('ring')";
    }
    CHECK(messages == 1);  // it went round: each asked the one that it waited for
  });
}

TEST_CASE("a ring that passes through gather() can be cancelled") {
  testing::run([] {
    std::optional<Task<>> a;
    std::optional<Task<>> b;
    a = create_task([&] { gather(*b); });
    b = create_task([&] { gather(*a); });
    settle();
    a->cancel();
    settle();
    CHECK(a->cancelled());
    CHECK(b->cancelled());
  });
}

TEST_CASE("an inner task that refuses saves the outer one as well") {
  testing::run([] {
    auto inner = create_task([] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
      }
      return 3;
    });
    auto outer = create_task([&] { return await(inner) + 1; });
    settle();
    outer.cancel();
    CHECK(await(outer) == 4);
  });
}

TEST_CASE("a task that waits for a cancelled one is thrown its CancelledError") {
  testing::run([] {
    auto inner = create_task([] { sleep(1h); });
    auto outer = create_task([&] { await(inner); });
    settle();
    inner.cancel("inner");
    settle();
    CHECK(error_of([&] { outer.result(); }) == "CancelledError('inner')");
    CHECK(outer.cancelling() == 0);
  });
}

TEST_CASE("through a coroutine that is awaited: the coroutine hears of it first") {
  testing::run([] {
    Log log;
    Coroutine<> kept([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        log("coroutine");
        throw;
      }
    });
    auto task = create_task([&] {
      try {
        await(kept);
      } catch (const CancelledError&) {
        log("task");
        throw;
      }
    });
    settle();
    task.cancel();
    settle();
    CHECK(log == Log{"coroutine", "task"});
    CHECK(kept.state() == State::Closed);
  });
}

TEST_CASE("uncancel() does not take back an error that the next wait will throw") {
  testing::run([] {
    current_task().cancel();
    CHECK(current_task().uncancel() == 0);
    CHECK_THROWS_AS(yield_now(), CancelledError);
    CHECK_NOTHROW(yield_now());  // once
  });
}

TEST_CASE("the message is for the first who asks; others see that it was cancelled") {
  testing::run([] {
    auto task = create_task([] { sleep(1h); });
    settle();
    task.cancel("once");
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('once')");
    CHECK(error_of([&] { task.exception(); }) == "CancelledError()");
  });
}

TEST_CASE("who cancels a task that has failed wants to hear no more of it") {
  testing::run([] {
    const Told told;
    {
      auto task = create_task([] { throw ValueError("lost"); });
      const Future<> future;
      settle();
      future.set_exception(ValueError("lost"));
      CHECK_FALSE(task.cancel());
      CHECK_FALSE(future.cancel());
    }
    CHECK(told.log.empty());
  });
}

TEST_SUITE_END();
