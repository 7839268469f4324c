#include <weft/sync/event.h>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("Event");

TEST_CASE("wait() on a raised flag does not suspend") {
  testing::run([] {
    Event event;
    event.set();
    CHECK(turns([&] { event.wait(); }) == 0);
  });
}

TEST_CASE("set() wakes all waiters in the order of arrival, after it returns") {
  testing::run([] {
    Event event;
    Log log;
    auto a = create_task([&] { event.wait(), log("a"); });
    auto b = create_task([&] { event.wait(), log("b"); });
    settle();  // both are parked
    event.set();
    event.clear();  // too late to hold them
    CHECK(log.empty());
    settle();
    CHECK(log == Log{"a", "b"});
  });
}

TEST_CASE("a flag that was cleared holds those who come later") {
  testing::run([] {
    Event event;
    event.set();
    event.clear();
    CHECK_FALSE(event.is_set());
    auto waits = create_task([&] { event.wait(); });
    settle();
    CHECK_FALSE(waits.done());
    event.set();
    await(waits);
    CHECK(event.is_set());
  });
}

TEST_CASE("a cancelled waiter costs nobody a wake-up") {
  testing::run([] {
    Event event;
    auto leaves = create_task([&] { event.wait(); });
    auto stays = create_task([&] { event.wait(); });
    settle();
    leaves.cancel();
    event.set();  // in the same turn: the race that the wait queue exists for
    settle();
    CHECK_THROWS_AS(leaves.result(), CancelledError);
    CHECK(stays.done());
  });
}

TEST_CASE("a waiter that is woken, then cancelled, is cancelled") {
  testing::run([] {
    Event event;
    auto task = create_task([&] { event.wait(); });
    settle();
    event.set();
    task.cancel();
    CHECK_THROWS_AS(await(task), CancelledError);
  });
}

TEST_CASE("a waiter that is woken, then cancelled, wakes nobody who came after a clear()") {
  testing::run([] {
    Event event;
    auto early = create_task([&] { event.wait(); });
    settle();
    auto late = create_task([&] { event.wait(); });  // ready before the early one is
    event.set();
    early.cancel();
    event.clear();
    settle();
    CHECK(early.cancelled());
    CHECK_FALSE(late.done());
    event.set();
    await(late);
  });
}

TEST_CASE("a limit on wait() is kept to the nanosecond, and costs no time") {
  testing::run([] {
    Event event;
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(24h, [&] { event.wait(); }), TimeoutError);
    CHECK(now() - start == 24h);
  });
}

TEST_CASE("wait() outside a task is refused unless it need not wait") {
  Event event;
  CHECK_THROWS_WITH_AS(event.wait(), doctest::Contains("outside a task"), RuntimeError);
  event.set();
  CHECK_NOTHROW(event.wait());
}

TEST_SUITE_END();
