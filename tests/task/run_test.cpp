#include <weft/task/run.h>

#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <weft/task/gather.h>
#include <weft/task/sleep.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("run");

TEST_CASE("it gives the result of its function, or of its coroutine") {
  CHECK(run([] { return 42; }) == 42);
  CHECK(*run([] { return std::make_unique<int>(7); }) == 7);
  CHECK(run(Coroutine<std::string>([] { return std::string("text"); })) == "text");
  run([] {});
}

TEST_CASE("it throws what its function throws") {
  CHECK(error_of([] { run([] { throw ValueError("main"); }); }) == "ValueError('main')");
  CHECK(error_of([] { run([] { throw 5; }); }) == "int");
  CHECK(error_of([] { run([] { throw CancelledError("own"); }); }) == "CancelledError('own')");
}

TEST_CASE("the main task is called main, and runs on a loop of its own") {
  EventLoop* loop = nullptr;
  run([&] {
    loop = &get_running_loop();
    CHECK(current_task().name() == "main");
    CHECK(loop->is_running());
  });
  CHECK(loop != nullptr);
  CHECK_THROWS_AS(get_running_loop(), RuntimeError);
}

TEST_CASE("it runs on the clock that it is given") {
  const auto start = std::chrono::steady_clock::now();
  const Duration slept = run(virtual_time(), [] {
    const TimePoint before = now();
    sleep(1000h);
    return now() - before;
  });
  CHECK(slept == 1000h);
  CHECK(std::chrono::steady_clock::now() - start < 1000h);
}

TEST_CASE("tasks that are left are cancelled and awaited") {
  Log log;
  run(virtual_time(), [&] {
    create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        sleep(1s);  // the cleanup may take its time
        log("cleaned up");
        throw;
      }
    });
    yield_now();
    create_task([&] {
      log("ready");  // as in asyncio: in the turn after main's last
      sleep(1h);
      log("not reached");
    });
  });
  CHECK(log == Log{"ready", "cleaned up"});
}

TEST_CASE("tasks that are left are cancelled also if main fails") {
  Log log;
  CHECK_THROWS_AS(run(virtual_time(),
                      [&] {
                        create_task([&] {
                          log(error_of([] { sleep(1h); }));
                          throw CancelledError();
                        });
                        yield_now();
                        throw ValueError();
                      }),
                  ValueError);
  CHECK(log == Log{"CancelledError()"});
}

TEST_CASE("what a task that is left throws is reported, and does not disturb the result") {
  Log reports;
  const int result = run(virtual_time(), [&] {
    get_running_loop().set_exception_handler([&](const ExceptionContext& context) {
      reports(std::string(context.name) + ": " + std::string(context.message) + ": " +
              describe(context.exception));
    });
    create_task({.name = "bad", .stack = {}}, [] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        throw ValueError("cleanup");
      }
    });
    yield_now();
    return 5;
  });
  CHECK(result == 5);
  CHECK(reports == Log{"bad: unhandled exception during shutdown: ValueError('cleanup')"});
}

TEST_CASE("a task that refuses to be cancelled is awaited") {
  Log log;
  run(virtual_time(), [&] {
    create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        sleep(2h);
        log("in its own time");
      }
    });
    yield_now();
  });
  CHECK(log == Log{"in its own time"});
}

TEST_CASE("what at_shutdown() was given is called when all tasks have ended, the last one first") {
  Log log;
  run(virtual_time(), [&] {
    EventLoop& loop = get_running_loop();
    loop.at_shutdown([&] { log("first"); });
    loop.at_shutdown([&] {
      sleep(1h);  // it may wait
      log("second");
    });
    create_task([&] {
      try {
        sleep(2h);
      } catch (const CancelledError&) {
        log("cancelled");
        throw;
      }
    });
    yield_now();
    log("main");
  });
  CHECK(log == Log{"main", "cancelled", "second", "first"});
}

TEST_CASE("at_shutdown() is honoured after an error too, and its own errors are reported") {
  Log log;
  const auto body = [&] {
    EventLoop& loop = get_running_loop();
    loop.set_exception_handler([&](const ExceptionContext& context) {
      log(std::string(context.message) + " " + describe(context.exception));
    });
    loop.at_shutdown([&] { log("called"); });
    loop.at_shutdown([] { throw ValueError("late"); });
    throw ValueError("main");
  };
  CHECK(error_of([&] { run(body); }) == "ValueError('main')");
  CHECK(log == Log{"unhandled exception during shutdown ValueError('late')", "called"});
}

TEST_CASE("a loop that is closed without run() drops what at_shutdown() was given") {
  const auto kept = std::make_shared<int>(1);
  EventLoop loop;
  loop.at_shutdown([kept] { CHECK(false); });
  loop.close();
  CHECK(kept.use_count() == 1);
  CHECK(error_of([&] { loop.at_shutdown([] {}); }) == "RuntimeError('Event loop is closed')");
}

TEST_CASE("run() inside run() is refused, and nothing of it runs") {
  bool ran = false;
  std::string error;
  run([&] { error = error_of([&] { run([&] { ran = true; }); }); });
  CHECK(error == "RuntimeError('run() cannot be called from a running event loop')");
  CHECK_FALSE(ran);
}

TEST_CASE("after an error another run() works") {
  CHECK_THROWS_AS(run([] { throw ValueError(); }), ValueError);
  CHECK(run([] { return 1; }) == 1);
}

TEST_CASE("each thread may run one") {
  int there = 0;
  const int here = run([&] {
    std::thread([&] { there = run([] { return 2; }); }).join();
    return 1;
  });
  CHECK(here == 1);
  CHECK(there == 2);
}

TEST_CASE_TEMPLATE("an order to leave from any task leaves it, after main's cleanup", Order,
                   KeyboardInterrupt, SystemExit) {
  Log log;
  CHECK_THROWS_AS(run(virtual_time(),
                      [&] {
                        get_running_loop().set_exception_handler([](const ExceptionContext&) {});
                        create_task([] { throw Order(); });
                        try {
                          sleep(1h);
                        } catch (const CancelledError&) {
                          log("main cleaned up");
                          throw;
                        }
                      }),
                  Order);
  CHECK(log == Log{"main cleaned up"});
}

TEST_CASE("KeyboardInterrupt or SystemExit from main leaves it, and is not reported besides") {
  Log reports;
  const auto main = [&](auto error) {
    return [&reports, error] {
      get_running_loop().set_exception_handler(
          [&](const ExceptionContext& context) { reports(std::string(context.message)); });
      throw error;
    };
  };
  CHECK_THROWS_AS(run(main(KeyboardInterrupt())), KeyboardInterrupt);
  CHECK_THROWS_AS(run(main(SystemExit())), SystemExit);
  CHECK(reports.empty());
}

TEST_CASE("a loop may run inside a coroutine that is driven by hand") {
  Coroutine<int> coroutine([] {
    const int sent = trap<int>(1);
    return run([sent] {
      yield_now();
      return sent + 1;
    });
  });
  CHECK(coroutine.send().value().get<int>() == 1);
  CHECK(coroutine.send(5).result() == 6);
}

// ---- run_until_complete()

TEST_CASE("run_until_complete() runs a loop until a future is done") {
  EventLoop loop(virtual_time());
  const Future<int> future(loop);
  loop.call_later(1s, [&] { future.set_result(3); });
  CHECK(run_until_complete(loop, future) == 3);
  CHECK(run_until_complete(loop, future) == 3);  // also if it is done
  const Future<> failing(loop);
  loop.call_soon([&] { failing.set_exception(ValueError("failed")); });
  CHECK(error_of([&] { run_until_complete(loop, failing); }) == "ValueError('failed')");
}

TEST_CASE("run_until_complete() of a loop that stops before is an error") {
  EventLoop loop(virtual_time());
  const Future<> future(loop);
  loop.call_soon([&] { loop.stop(); });
  CHECK(error_of([&] { run_until_complete(loop, future); }) ==
        "RuntimeError('Event loop stopped before Future completed.')");
  loop.call_soon([&] { future.set_result(); });
  run_until_complete(loop, future);
}

TEST_CASE("run_until_complete() leaves nothing behind, however it ends") {
  EventLoop loop(virtual_time());
  Log log;
  const Future<> future(loop);
  loop.call_soon([&] {
    loop.stop();  // and the future is done in the same turn
    future.set_result();
  });
  run_until_complete(loop, future);
  const Future<> interrupted(loop);
  loop.call_soon([&] {
    interrupted.set_result();
    throw KeyboardInterrupt();
  });
  CHECK_THROWS_AS(run_until_complete(loop, interrupted), KeyboardInterrupt);
  loop.call_later(1s, [&] {
    log("ran");
    loop.stop();
  });
  loop.run_forever();  // nothing left there stops it
  CHECK(log == Log{"ran"});
}

TEST_CASE("run_until_complete() of a future of another loop is refused") {
  EventLoop loop(virtual_time());
  EventLoop other(virtual_time());
  const Future<> foreign(other);
  foreign.set_result();
  CHECK(error_of([&] { run_until_complete(loop, foreign); }) ==
        "ValueError('future: it belongs to another loop')");
}

TEST_SUITE_END();
