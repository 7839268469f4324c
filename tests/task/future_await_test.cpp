#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/future.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("awaiting a Future");

TEST_CASE("awaiting a future that is done does not suspend") {
  testing::run([] {
    const Future<int> future;
    future.set_result(9);
    CHECK(turns([&] { CHECK(await(future) == 9); }) == 0);
  });
}

TEST_CASE("awaiting suspends until the result is set, and wakes in a later turn") {
  testing::run([] {
    const Future<int> future;
    Log log;
    auto task = create_task([&] { log(std::to_string(await(future))); });
    settle();
    future.set_result(1);
    log("set");
    settle();
    CHECK(log == Log{"set", "1"});
  });
}

TEST_CASE("several tasks may await one future; each gets the result") {
  testing::run([] {
    const Future<int> future;
    auto a = create_task([&] { return await(future) + 1; });
    auto b = create_task([&] { return await(future) + 2; });
    settle();
    future.set_result(10);
    CHECK(await(a) == 11);
    CHECK(await(b) == 12);
  });
}

TEST_CASE("cancelling a task that awaits a future cancels the future") {
  testing::run([] {
    const Future<> future;
    auto task = create_task([&] { future.await(); });
    settle();
    task.cancel("stop");
    CHECK(future.cancelled());
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('stop')");
  });
}

TEST_CASE("a task cancelled between the result and its wake-up is cancelled all the same") {
  testing::run([] {
    const Future<int> future;
    auto task = create_task([&] { return await(future); });
    settle();
    future.set_result(1);
    task.cancel("late");
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('late')");
    CHECK(future.result() == 1);
  });
}

TEST_CASE("the wait keeps the future alive") {
  testing::run([] {
    auto handle = std::make_unique<Future<int>>();
    auto waits = create_task([&] { return handle->await(); });
    const Future<int>* setter = nullptr;
    std::optional<Future<int>> second(*handle);
    setter = &*second;
    settle();
    handle.reset();
    setter->set_result(5);
    CHECK(await(waits) == 5);
  });
}

TEST_CASE("a task whose future nobody can set any more can still be cancelled") {
  testing::run([] {
    auto handle = std::make_unique<Future<int>>();
    auto waits = create_task([&] { return handle->await(); });
    settle();
    handle.reset();
    waits.cancel();
    settle();
    CHECK(waits.cancelled());
  });
}

TEST_SUITE_END();
