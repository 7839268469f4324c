#include <memory>
#include <string>

#include <doctest/doctest.h>

#include <weft/coro/coroutine.h>
#include <weft/task/sleep.h>
#include <weft/task/wait.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("wait_for");

TEST_CASE("wait_for() gives the result of a function, coroutine, task or future") {
  testing::run([] {
    CHECK(wait_for([] { return 1; }, 1s) == 1);
    CHECK(*wait_for(Coroutine<std::unique_ptr<int>>([] { return std::make_unique<int>(2); }), 1s) ==
          2);
    CHECK(wait_for(create_task([] { return 3; }), 1s) == 3);
    const Future<int> future;
    get_running_loop().call_later(1h, [&] { future.set_result(4); });
    CHECK(wait_for(future, std::nullopt) == 4);
  });
}

TEST_CASE("a function or coroutine runs in the present task") {
  testing::run([] {
    wait_for([] { CHECK(current_task().name() == "main"); }, 1s);
    wait_for(Coroutine<>([] { CHECK(current_task().name() == "main"); }), 1s);
  });
}

TEST_CASE("wait_for() for what is done does not suspend, and leaves no timer") {
  testing::run([] {
    const Future<int> future;
    future.set_result(4);
    CHECK(turns([&] { CHECK(wait_for(future, 1s) == 4); }) == 0);
    CHECK(detail::core_of(get_running_loop()).timers.empty());
  });
}

TEST_CASE("behind the limit it is cancelled, and TimeoutError thrown once it has ended") {
  testing::run([] {
    const auto task = create_task([] {
      error_of([] { sleep(1h); });
      sleep(2s);
      throw CancelledError();
    });
    const TimePoint start = now();
    CHECK_THROWS_AS(wait_for(task, 1s), TimeoutError);
    CHECK(task.cancelled());
    CHECK(now() - start == 3s);
  });
}

TEST_CASE("a result that comes in spite of the limit's cancellation is given") {
  testing::run([] {
    CHECK(wait_for(
              [] {
                error_of([] { sleep(1h); });
                return 5;
              },
              1s) == 5);
  });
}

TEST_CASE("an exception comes out") {
  testing::run([] {
    CHECK(error_of([] { wait_for([] { throw ValueError("x"); }, 1s); }) == "ValueError('x')");
  });
}

TEST_CASE("a limit of 0: what is done gives its result, a function never runs") {
  testing::run([] {
    const Future<int> future;
    future.set_result(4);
    CHECK(turns([&] { CHECK(wait_for(future, 0s) == 4); }) == 0);
    bool ran = false;
    try {
      wait_for([&] { ran = true; }, -1s);
      FAIL_CHECK("no error");
    } catch (const TimeoutError& late) {
      CHECK(describe(late.cause()) == "CancelledError()");
    }
    CHECK_FALSE(ran);
    CHECK(current_task().cancelling() == 0);
  });
}

TEST_CASE("a limit of 0 waits until the task has cleaned up, and takes its result if it has one") {
  testing::run([] {
    const auto task = create_task([] {
      error_of([] { sleep(1h); });
      sleep(1s);
      return 6;
    });
    settle();
    CHECK(wait_for(task, 0s) == 6);
  });
}

TEST_CASE("a limit of 0 passes the exception of the clean-up on") {
  testing::run([] {
    const auto task = create_task([] {
      error_of([] { sleep(1h); });
      throw ValueError("clean-up");
    });
    settle();
    CHECK(error_of([&] { wait_for(task, 0s); }) == "ValueError('clean-up')");
  });
}

TEST_CASE("cancelling the waiter cancels what it waits for") {
  testing::run([] {
    const Future<> future;
    const auto waiting = create_task([&] { wait_for(future, 1h); });
    settle();
    waiting.cancel("enough");
    CHECK(error_of([&] { await(waiting); }) == "CancelledError('enough')");
    CHECK(future.cancelled());
    CHECK(detail::core_of(get_running_loop()).timers.empty());
  });
}

TEST_CASE("cancelling the waiter while a task cleans up behind a limit of 0 leaves the task") {
  testing::run([] {
    const auto task = create_task([] {
      error_of([] { sleep(1h); });
      sleep(1s);
    });
    const auto waiting = create_task([&] { wait_for(task, 0s); });
    settle();
    waiting.cancel();
    CHECK_THROWS_AS(await(waiting), CancelledError);
    CHECK_FALSE(task.done());
    await(task);
  });
}

TEST_CASE("wait_for() outside a task is an error") {
  EventLoop loop;
  std::string error;
  in_loop(loop, [&] { error = error_of([] { wait_for([] {}, 1s); }); });
  CHECK(error == "RuntimeError('Timeout should be used inside a task')");
}

TEST_CASE("the TimeoutError of a limit of 0 has the CancelledError as its cause") {
  testing::run([] {
    try {
      wait_for(create_task([] { sleep(1h); }), 0s);
      FAIL_CHECK("it has not thrown");
    } catch (const TimeoutError& late) {
      CHECK(describe(late.cause()) == "CancelledError()");
    }
  });
}

TEST_CASE("any task, of whatever result, can be waited for") {
  testing::run([] {
    const auto task = create_task([] {
      sleep(1s);
      return 5;
    });
    const AnyTask any = task;
    wait_for(any, 2s);
    CHECK(task.result() == 5);
    wait_for(any, 0s);  // it is done
    const AnyTask late = create_task([] { sleep(1h); });
    CHECK_THROWS_AS(wait_for(late, 1s), TimeoutError);
    CHECK(late.cancelled());
    const AnyTask later = create_task([] { sleep(1h); });
    CHECK_THROWS_AS(wait_for(later, 0s), TimeoutError);
    CHECK(later.cancelled());
  });
}

TEST_SUITE_END();
