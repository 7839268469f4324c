// gather() as a future, and with return_exceptions.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/await.h>
#include <weft/task/gather.h>
#include <weft/task/sleep.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("gather_future");

TEST_CASE("it is a future of what gather() gives") {
  testing::run([] {
    const auto future = gather_future([] { return 1; }, [] {});
    CHECK_FALSE(future.done());
    CHECK(std::get<0>(await(future)) == 1);
    const auto list = gather_future(std::vector<Task<int>>{create_task([] { return 2; })});
    CHECK(await(list) == std::vector{2});
  });
}

TEST_CASE("of nothing it is done at once") {
  testing::run([] {
    CHECK(gather_future(std::vector<Task<int>>{}).done());
    CHECK(turns([] { CHECK(gather(std::vector<Task<int>>{}).empty()); }) == 0);
  });
}

TEST_CASE("cancel() cancels all, and the CancelledError is its exception") {
  testing::run([] {
    const auto task = create_task([] { sleep(1h); });
    const auto future = gather_future(task, [] { sleep(1h); });
    settle();
    CHECK(future.cancel("enough"));
    CHECK(error_of([&] { await(future); }) == "CancelledError('enough')");
    CHECK(task.cancelled());
    CHECK_FALSE(future.cancelled());
    CHECK_FALSE(future.cancel());
  });
}

TEST_CASE("cancel() when all children are done already has nothing to cancel") {
  testing::run([] {
    const Future<> child;
    const auto future = gather_future(child);
    child.set_result();
    CHECK_FALSE(future.cancel());
    await(future);
  });
}

TEST_CASE("children that refuse to be cancelled: CancelledError once all have ended") {
  testing::run([] {
    const auto future = gather_future([] {
      error_of([] { sleep(1h); });
      return 1;
    });
    settle();
    future.cancel();
    CHECK(error_of([&] { await(future); }) == "CancelledError()");
    CHECK_FALSE(future.cancelled());
  });
}

TEST_CASE("the handle may go: the exception is then nobody's, and reported") {
  EventLoop loop;
  const Told told(loop);
  in_loop(loop, [] { gather_future([] { throw ValueError("x"); }); }, 5);
  CHECK(told.log == Log{"Future exception was never retrieved: ValueError('x')"});
}

TEST_CASE("a child that is named twice is waited for once, and listed twice") {
  testing::run([] {
    const auto task = create_task([] { return 3; });
    CHECK(gather(std::vector{task, task}) == std::vector{3, 3});
  });
}

TEST_CASE("a future of another loop is an error") {
  EventLoop other;
  testing::run([&] {
    const Future<> mine;
    const Future<> foreign(other);
    CHECK(error_of([&] { gather_future(mine, foreign); }) ==
          "ValueError('futures: one belongs to another loop')");
  });
}

TEST_CASE("a loop that is closed lets go of what is gathered") {
  std::optional<Future<>> child;
  {
    EventLoop loop;
    in_loop(loop, [&] {
      child.emplace();
      gather_future(*child);
    });
    CHECK(detail::Access::state(*child)->references == 2);
  }
  CHECK(detail::Access::state(*child)->references == 1);
}

TEST_CASE("an end that a loop has not told of when it is closed is not heard") {
  std::optional<AnyFuture> all;
  {
    EventLoop loop;
    in_loop(loop, [&] {
      const Future<> child;
      all = gather_future(child);
      child.set_result();
    });
  }
  CHECK_FALSE(all->done());
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("gather(return_exceptions)");

TEST_CASE("each outcome is a result or an exception, and nothing is thrown") {
  testing::run([] {
    auto [a, b, c] = gather(
        return_exceptions, [] { return std::make_unique<int>(1); },
        []() -> int { throw ValueError("x"); }, [] { sleep(1s); });
    CHECK(bool(a));
    CHECK(*std::move(a).result() == 1);
    CHECK_FALSE(bool(b));
    CHECK(describe(b.exception()) == "ValueError('x')");
    CHECK_THROWS_AS(b.result(), ValueError);
    CHECK(bool(c));
    CHECK_NOTHROW(c.result());
  });
}

TEST_CASE("all are waited for, also behind a failure") {
  testing::run([] {
    const TimePoint start = now();
    gather(return_exceptions, [] { throw ValueError(); }, [] { sleep(2s); });
    CHECK(now() - start == 2s);
  });
}

TEST_CASE("a range gives a vector of outcomes") {
  testing::run([] {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 2; ++i)
      tasks.push_back(create_task([i] {
        if (i == 1) throw ValueError();
        return 7;
      }));
    const std::vector<Outcome<int>> outcomes = gather(return_exceptions, tasks);
    CHECK(outcomes[0].result() == 7);
    CHECK(outcomes[1].exception() != nullptr);
  });
}

TEST_CASE("a cancelled future is listed with its message, a cancelled task without") {
  testing::run([] {
    const Future<> future;
    const auto task = create_task([] { sleep(1h); });
    const auto fresh = create_task([] {});
    yield_now();
    future.cancel("f");
    task.cancel("t");
    const auto [a, b] = gather(return_exceptions, future, task);
    CHECK(describe(a.exception()) == "CancelledError('f')");
    CHECK(describe(b.exception()) == "CancelledError('')");
  });
}

TEST_CASE("a cancellation from outside is thrown all the same") {
  testing::run([] {
    const auto outer =
        create_task([] { gather(return_exceptions, [] { sleep(1h); }, [] { sleep(1h); }); });
    settle();
    outer.cancel();
    CHECK_THROWS_AS(await(outer), CancelledError);
  });
}

TEST_CASE("when all are cancelled, what they throw instead is not told of") {
  testing::run([] {
    Told told;
    {
      const auto future = gather_future(return_exceptions, [] {
        error_of([] { sleep(1h); });
        throw ValueError("clean-up");
      });
      settle();
      future.cancel();
      CHECK(error_of([&] { await(future); }) == "CancelledError()");
    }
    CHECK(told.log.empty());
  });
}

TEST_SUITE_END();
