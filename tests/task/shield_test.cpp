#include <weft/task/shield.h>

#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/coro/coroutine.h>
#include <weft/task/sleep.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("shield");

TEST_CASE("shield() gives the result of a function, coroutine, task or future") {
  testing::run([] {
    CHECK(await(shield([] { return 1; })) == 1);
    CHECK(await(shield(Coroutine<std::string>([] { return std::string("2"); }))) == "2");
    const Task<> task = create_task([] { sleep(1s); });
    await(shield(task));
    CHECK(task.done());
    CHECK(*await(shield([] { return std::make_unique<int>(4); })) == 4);
  });
}

TEST_CASE("any task or future, of whatever result, can be shielded") {
  testing::run([] {
    const auto inner = create_task([] {
      sleep(2s);
      return 5;
    });
    const AnyTask any_task = inner;
    const AnyFuture any_future = inner;
    CHECK_THROWS_AS(timeout(1s, [&] { await(shield(any_task)); }), TimeoutError);
    const AnyFuture outer = shield(any_future);
    CHECK(outer != any_future);
    await(outer);
    CHECK(inner.result() == 5);
    CHECK(shield(any_task) == any_future);  // it is done
  });
}

TEST_CASE("an exception of any task comes out of its shield") {
  testing::run([] {
    const AnyTask inner = create_task([] {
      yield_now();
      throw ValueError("x");
    });
    CHECK(error_of([&] { await(shield(inner)); }) == "ValueError('x')");
  });
}

TEST_CASE("what is done already is given itself") {
  testing::run([] {
    const Future<int> future;
    future.set_result(5);
    CHECK(shield(future) == future);
  });
}

TEST_CASE("a shielded task goes on when its waiter is cancelled") {
  testing::run([] {
    const auto inner = create_task([] {
      sleep(2s);
      return 5;
    });
    const auto waiting = create_task([&] { await(shield(inner)); });
    sleep(1s);
    waiting.cancel("enough");
    CHECK(error_of([&] { await(waiting); }) == "CancelledError('enough')");
    CHECK(await(inner) == 5);
  });
}

TEST_CASE("a timeout around a shield leaves the task alone") {
  testing::run([] {
    const auto inner = create_task([] { sleep(2s); });
    CHECK_THROWS_AS(timeout(1s, [&] { await(shield(inner)); }), TimeoutError);
    await(inner);
  });
}

TEST_CASE("an exception of the inner one comes out, and counts as asked for there") {
  testing::run([] {
    const auto inner = create_task([] { throw ValueError("x"); });
    CHECK(error_of([&] { await(shield(inner)); }) == "ValueError('x')");
  });
}

TEST_CASE("the outer one of a cancelled inner one is cancelled") {
  testing::run([] {
    const auto inner = create_task([] { sleep(1h); });
    const auto outer = shield(inner);
    settle();
    inner.cancel("inner");
    CHECK(error_of([&] { await(outer); }) == "CancelledError()");
    CHECK(outer.cancelled());
  });
}

TEST_CASE("a failure behind a cancelled shield is the task's own, and reported if nobody asks") {
  EventLoop loop;
  const Told told(loop);
  in_loop(
      loop,
      [] {
        shield([] {
          yield_now();
          throw ValueError();
        }).cancel();
      },
      6);
  CHECK(told.log == Log{"Task exception was never retrieved: ValueError()"});
}

TEST_CASE("a failure in the turn of the outer one's cancellation counts as asked for") {
  testing::run([] {
    const Future<> inner;
    const auto outer = shield(inner);
    inner.set_exception(ValueError());
    outer.cancel();
    yield_now();
  });
}

TEST_CASE("an outer exception that nobody asks for is reported, not the inner one") {
  EventLoop loop;
  const Told told(loop);
  in_loop(loop, [] { shield([] { throw ValueError("x"); }); }, 4);
  CHECK(told.log == Log{"Future exception was never retrieved: ValueError('x')"});
}

TEST_CASE("an outer one that somebody else has set is an error of the callback") {
  testing::run([] {
    Told told;
    const Future<int> inner;
    const auto outer = shield(inner);
    outer.set_result(1);
    inner.set_result(2);
    settle();
    CHECK(outer.result() == 1);
    CHECK(told.log == Log{"Exception in callback: InvalidStateError('invalid state')"});
  });
}

TEST_CASE("a cancelled shield lets go of the inner one") {
  testing::run([] {
    const Future<int> inner;
    const auto outer = shield(inner);
    CHECK(detail::Access::state(inner)->references > 1);
    outer.cancel();
    settle();
    CHECK(detail::Access::state(inner)->references == 1);
    CHECK(detail::core_of(get_running_loop()).kept == nullptr);
  });
}

TEST_CASE("the result takes one turn more through a shield") {
  testing::run([] {
    const Future<> inner;
    const auto outer = shield(inner);
    inner.set_result();
    CHECK(turns([&] { await(outer); }) == 1);
  });
}

TEST_CASE("a loop that is closed lets go of what is shielded") {
  std::optional<Future<>> inner;
  std::optional<Future<>> outer;
  {
    EventLoop loop;
    in_loop(loop, [&] {
      inner.emplace();
      outer = shield(*inner);
    });
  }
  CHECK(detail::Access::state(*inner)->references == 1);
  CHECK(detail::Access::state(*outer)->references == 1);
}

TEST_CASE("shield() needs a running loop") {
  CHECK(error_of([] { shield([] {}); }) == "RuntimeError('shield: no running event loop')");
}

TEST_SUITE_END();
