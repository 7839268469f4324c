#include <weft/task/timeout.h>

#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/future.h>
#include <weft/task/gather.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("timeout");

TEST_CASE("a body that ends in time gives its result, and leaves no timer") {
  testing::run([] {
    const int value = timeout(2s, [] {
      sleep(1s);
      return 5;
    });
    CHECK(value == 5);
    CHECK(*timeout(1s, [] { return std::make_unique<int>(6); }) == 6);
    timeout(1s, [] {});
    CHECK(detail::core_of(get_running_loop()).timers.empty());
  });
}

TEST_CASE("a body that takes too long is cancelled where it waits: TimeoutError") {
  testing::run([] {
    const TimePoint start = now();
    std::string inside;
    CHECK_THROWS_AS(timeout(1s,
                            [&] {
                              inside = error_of([] { sleep(1h); });
                              throw CancelledError();
                            }),
                    TimeoutError);
    CHECK(inside == "CancelledError()");
    CHECK(now() - start == 1s);
    CHECK(current_task().cancelling() == 0);
    sleep(1s);  // nothing is left of the cancellation
  });
}

TEST_CASE("the TimeoutError has the CancelledError as its cause") {
  testing::run([] {
    try {
      timeout(1s, [] { sleep(1h); });
      FAIL_CHECK("no error");
    } catch (const TimeoutError& error) {
      CHECK_FALSE(error.has_message());
      CHECK(describe(error.cause()) == "CancelledError()");
    }
  });
}

TEST_CASE("no limit is no limit") {
  testing::run([] {
    const TimePoint start = now();
    timeout(std::nullopt, [](Timeout& limit) {
      CHECK_FALSE(limit.when());
      sleep(24h);
      CHECK_FALSE(limit.expired());
    });
    timeout_at(std::nullopt, [] { sleep(24h); });
    CHECK(now() - start == 48h);
  });
}

TEST_CASE("a limit of zero or less lets the body run up to its first wait") {
  testing::run([] {
    for (const Duration limit : {Duration(0s), Duration(-1s), Duration::min()}) {
      bool began = false;
      CHECK_THROWS_AS(timeout(limit,
                              [&] {
                                began = true;
                                sleep(1h);
                              }),
                      TimeoutError);
      CHECK(began);
    }
    CHECK(timeout(0s, [] { return 1; }) == 1);  // it does not wait
  });
}

TEST_CASE("a limit that does not fit into time is none") {
  testing::run([] { timeout(Duration::max(), [] { sleep(1h); }); });
}

TEST_CASE("timeout_at() takes a point in time") {
  testing::run([] {
    const TimePoint end = now() + 3s;
    CHECK_THROWS_AS(timeout_at(end,
                               [&](Timeout& limit) {
                                 CHECK(limit.when() == end);
                                 sleep(1h);
                               }),
                    TimeoutError);
    CHECK(now() == end);
    CHECK_THROWS_AS(timeout_at(end - 1s, [] { sleep(1h); }), TimeoutError);
  });
}

TEST_CASE("a body that swallows the cancellation has its result, and expired() tells") {
  testing::run([] {
    const int value = timeout(1s, [](Timeout& limit) {
      CHECK_FALSE(limit.expired());
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        CHECK(limit.expired());
      }
      return 4;
    });
    CHECK(value == 4);
    CHECK(current_task().cancelling() == 0);
  });
}

TEST_CASE("an exception of the body passes, in time or late") {
  testing::run([] {
    CHECK(error_of([] { timeout(1s, [] { throw ValueError("in time"); }); }) ==
          "ValueError('in time')");
    CHECK(error_of([] {
            timeout(1s, [] {
              try {
                sleep(1h);
              } catch (const CancelledError&) {
                throw ValueError("late");
              }
            });
          }) == "ValueError('late')");
    CHECK(current_task().cancelling() == 0);
  });
}

TEST_CASE("the body's cleanup may outlast the limit") {
  testing::run([] {
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(1s,
                            [] {
                              try {
                                sleep(1h);
                              } catch (const CancelledError&) {
                                sleep(5s);
                                throw;
                              }
                            }),
                    TimeoutError);
    CHECK(now() - start == 6s);
  });
}

// ---- cancellation from elsewhere

TEST_CASE("a cancellation from elsewhere stays a CancelledError") {
  testing::run([] {
    auto task = create_task([] { timeout(1h, [] { sleep(1h); }); });
    settle();
    task.cancel("outside");
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('outside')");
  });
}

TEST_CASE("cancelled from elsewhere and late in the same turn: CancelledError") {
  testing::run([] {
    auto task = create_task([] { timeout(1s, [] { sleep(1h); }); });
    settle();
    get_running_loop().call_at(now() + 1s, [&] { task.cancel("outside"); });
    sleep(2s);
    CHECK(task.cancelled());
    CHECK(task.cancelling() == 1);
  });
}

TEST_CASE("cancelled from elsewhere during the cleanup of a late body: CancelledError") {
  testing::run([] {
    auto task = create_task([] {
      timeout(1s, [] {
        try {
          sleep(1h);
        } catch (const CancelledError&) {
          sleep(2s);
        }
      });
    });
    sleep(2s);
    task.cancel("outside");
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('outside')");
  });
}

TEST_CASE("a task that is being cancelled can still use timeouts for its cleanup") {
  testing::run([] {
    std::string cleanup;
    auto task = create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        cleanup = error_of([] { timeout(1s, [] { sleep(1h); }); });
        throw;
      }
    });
    settle();
    task.cancel();
    sleep(2s);
    CHECK(cleanup == "TimeoutError()");
    CHECK(task.cancelled());
  });
}

// ---- nested

TEST_CASE("of nested limits the shorter one counts, whichever it is") {
  testing::run([] {
    Log log;
    CHECK(error_of([&] {
            timeout(2s, [&] {
              log(error_of([] { timeout(1s, [] { sleep(1h); }); }));
              sleep(500ms);
              log("between");
              timeout(1h, [] { sleep(1h); });
            });
          }) == "TimeoutError()");
    CHECK(log == Log{"TimeoutError()", "between"});
  });
}

TEST_CASE("nested limits at the same moment: the outer one is told") {
  testing::run([] {
    std::string inner;
    const std::string outer = error_of([&] {
      timeout(1s, [&] {
        try {
          timeout(1s, [] { sleep(1h); });
        } catch (...) {
          inner = describe(std::current_exception());
          throw;
        }
      });
    });
    CHECK(inner == "CancelledError()");
    CHECK(outer == "TimeoutError()");
    CHECK(current_task().cancelling() == 0);
  });
}

// ---- moving the limit

TEST_CASE("reschedule() moves the limit, later, earlier, away") {
  testing::run([] {
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(1s,
                            [&](Timeout& limit) {
                              limit.reschedule(start + 5s);
                              CHECK(limit.when() == start + 5s);
                              sleep(1h);
                            }),
                    TimeoutError);
    CHECK(now() - start == 5s);
    timeout(1s, [](Timeout& limit) {
      limit.reschedule(std::nullopt);
      sleep(1h);
    });
    CHECK_THROWS_AS(timeout(std::nullopt,
                            [](Timeout& limit) {
                              limit.reschedule(now() - 1s);
                              yield_now();
                              sleep(1h);
                            }),
                    TimeoutError);
  });
}

TEST_CASE("a limit that has passed, or whose body has ended, cannot be moved") {
  testing::run([] {
    Timeout* kept = nullptr;
    std::string expiring;
    CHECK_THROWS_AS(timeout(1s,
                            [&](Timeout& limit) {
                              kept = &limit;
                              try {
                                sleep(1h);
                              } catch (const CancelledError&) {
                                expiring = error_of([&] { limit.reschedule(std::nullopt); });
                                throw;
                              }
                            }),
                    TimeoutError);
    CHECK(expiring == "RuntimeError('Cannot change state of expiring Timeout')");
    Timeout expired(now());
    expired.enter();
    CHECK_THROWS_AS(sleep(1h), CancelledError);
    CHECK_THROWS_AS(expired.leave(std::make_exception_ptr(CancelledError())), TimeoutError);
    CHECK(expired.expired());
    CHECK(error_of([&] { expired.reschedule(std::nullopt); }) ==
          "RuntimeError('Cannot change state of expired Timeout')");
    Timeout finished(std::nullopt);
    finished.enter();
    finished.leave(nullptr);
    CHECK(error_of([&] { finished.reschedule(std::nullopt); }) ==
          "RuntimeError('Cannot change state of finished Timeout')");
  });
}

TEST_CASE("a limit must be entered once, before it is moved") {
  testing::run([] {
    Timeout limit(std::nullopt);
    CHECK(error_of([&] { limit.reschedule(now()); }) ==
          "RuntimeError('Timeout has not been entered')");
    limit.enter();
    CHECK(error_of([&] { limit.enter(); }) == "RuntimeError('Timeout has already been entered')");
    limit.leave(nullptr);
  });
}

TEST_CASE("a timeout outside a task is an error") {
  CHECK_THROWS_AS(timeout(1s, [] {}), RuntimeError);
  EventLoop loop(virtual_time());
  std::string error;
  in_loop(loop, [&] { error = error_of([] { timeout(1s, [] {}); }); });
  CHECK(error == "RuntimeError('Timeout should be used inside a task')");
}

TEST_SUITE_END();
