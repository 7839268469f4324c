#include <weft/testing/run.h>

#include <optional>
#include <string>
#include <thread>

#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/task/gather.h>
#include <weft/task/task.h>

using namespace std::chrono_literals;
using namespace weft;
using testing::Deadlock, testing::LeftOver, testing::Log, testing::settle, testing::turns;

namespace {

/// The message of the error `E` that `testing::run(body)` throws; empty if it throws none.
template <class E, class F>
std::string told(F&& body) {
  try {
    testing::run(body);
  } catch (const E& error) {
    return error.message();
  }
  return "";
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("testing::run");

// ---- time

TEST_CASE("a day passes in no time, and exactly") {
  testing::run([] {
    const TimePoint start = now();
    CHECK(start == TimePoint{});
    sleep(24h);
    CHECK(now() - start == 24h);
  });
}

TEST_CASE("time stands still while anything can run") {
  testing::run([] {
    auto sleeper = create_task([] { sleep(1ns); });
    const TimePoint start = now();
    for (int i = 0; i < 1000; ++i) yield_now();
    CHECK(now() == start);
    CHECK_FALSE(sleeper.done());
    await(sleeper);
    CHECK(now() - start == 1ns);
  });
}

TEST_CASE("real time is the system's") {
  testing::RunOptions options;
  options.real_time = true;
  testing::run(std::move(options), [] {
    const auto start = std::chrono::steady_clock::now();
    CHECK(now() >= start);
    sleep(2ms);
    CHECK(std::chrono::steady_clock::now() - start >= 2ms);
  });
}

TEST_CASE("the selector may be chosen") {
  testing::RunOptions options;
  options.selector = make_poll_selector();
  testing::run(std::move(options), [] {
    CHECK(detail::core_of(get_running_loop()).selector->name() == "poll");
    sleep(1h);
  });
}

// ---- what a body throws

TEST_CASE("what the body throws comes out, also if something is left over") {
  CHECK_THROWS_WITH_AS(testing::run([] { throw ValueError("body"); }), "body", ValueError);
  CHECK_THROWS_AS(testing::run([] {
                    create_task([] { sleep(1h); });
                    throw ValueError();
                  }),
                  ValueError);
}

// ---- what is left over

TEST_CASE("a body that clears up passes") {
  CHECK(told<LeftOver>([] {
          auto task = create_task([] { sleep(1s); });
          await(task);
        }) == "");
}

TEST_CASE("a task is left over: it is named, and what it waits for") {
  const std::string text = told<LeftOver>([] {
    create_task({.name = "forgotten", .stack = {}}, [] { sleep(1h); });
    settle();
  });
  CHECK(contains(text, "task 'forgotten' (in sleep)"));
}

TEST_CASE("a timer is left over") {
  CHECK(contains(told<LeftOver>([] { get_running_loop().call_later(1s, [] {}); }), "timers: 1"));
}

TEST_CASE("a reader is left over") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK(contains(told<LeftOver>([&] { get_running_loop().add_reader(ends[0], [] {}); }),
                 "watched from outside: 1"));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("an open descriptor is left over") {
  int ends[2] = {-1, -1};
  CHECK(contains(told<LeftOver>([&] { CHECK(::pipe(ends) == 0); }), "open descriptors: 2"));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a stack is left over") {
  std::optional<Generator<int>> kept;
  CHECK(contains(told<LeftOver>([&] {
                   kept.emplace([](auto& self) { self.yield(1); });
                   kept->next();
                 }),
                 "stacks: 1"));
}

TEST_CASE("an exception that nobody has retrieved is left over, with the task's name") {
  const std::string text = told<LeftOver>([] {
    create_task({.name = "failed", .stack = {}}, [] { throw ValueError("lost"); });
    settle();
  });
  CHECK(contains(text, "Task exception was never retrieved (failed): ValueError('lost')"));
}

TEST_CASE("an exception whose task is kept to the end of the body is left over as well") {
  const std::string text = told<LeftOver>([] {
    auto task = create_task([] { throw ValueError("kept"); });
    settle();
  });
  CHECK(contains(text, "ValueError('kept')"));
}

TEST_CASE("an exception of a callback is left over") {
  const std::string text = told<LeftOver>([] {
    get_running_loop().call_soon([] { throw ValueError("callback"); });
    settle();
  });
  CHECK(contains(text, "Exception in callback (): ValueError('callback')"));
}

// ---- deadlock

TEST_CASE("a body that can never end is a Deadlock that names who waits for what") {
  const std::string text = told<Deadlock>([] {
    const Future<> never;
    auto other = create_task({.name = "other", .stack = {}}, [&] { never.await(); });
    await(other);
  });
  CHECK(contains(text, "task 'main' (in Task)"));
  CHECK(contains(text, "task 'other' (in Future)"));
}

TEST_CASE("after a Deadlock the tasks are cancelled, and their cleanup runs") {
  Log log;
  CHECK_THROWS_AS(testing::run([&] {
                    const Future<> never;
                    try {
                      never.await();
                    } catch (const CancelledError&) {
                      sleep(1s);
                      log("cleaned up");
                      throw;
                    }
                  }),
                  Deadlock);
  CHECK(log == Log{"cleaned up"});
}

TEST_CASE("two tasks that wait for each other are a Deadlock") {
  CHECK_THROWS_AS(testing::run([] {
                    std::optional<Task<>> a;
                    std::optional<Task<>> b;
                    a = create_task([&] { await(*b); });
                    b = create_task([&] { await(*a); });
                    gather(*a, *b);
                  }),
                  Deadlock);
}

TEST_CASE("a timer that can still end it is no Deadlock") {
  testing::run([] {
    const Future<> future;
    get_running_loop().call_later(1000h, [&] { future.set_result(); });
    future.await();
  });
}

// ---- settle()

TEST_CASE("settle() returns when every other task is blocked, and no time has passed") {
  testing::run([] {
    Log log;
    const TimePoint start = now();
    auto task = create_task([&] {
      for (int i = 0; i < 5; ++i) yield_now();
      log("blocked");
      sleep(1h);
    });
    settle();
    CHECK(log == Log{"blocked"});
    CHECK(now() == start);
    task.cancel();
    settle();
    CHECK(task.done());
  });
}

TEST_CASE("settle() waits for chains of tasks and callbacks") {
  testing::run([] {
    Log log;
    create_task([&] {
      get_running_loop().call_soon([&] {
        create_task([&] {
          yield_now();
          get_running_loop().call_soon([&] { log("end of the chain"); });
        });
      });
    });
    settle();
    CHECK(log == Log{"end of the chain"});
  });
}

TEST_CASE("settle() sees what has arrived through a pipe") {
  testing::run([] {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    Log log;
    EventLoop& loop = get_running_loop();
    loop.add_reader(ends[0], [&] {
      char byte = 0;
      CHECK(::read(ends[0], &byte, 1) == 1);
      log(std::string(1, byte));
    });
    settle();
    CHECK(log.empty());
    CHECK(::write(ends[1], "x", 1) == 1);
    settle();
    CHECK(log == Log{"x"});
    loop.remove_reader(ends[0]);
    ::close(ends[0]);
    ::close(ends[1]);
  });
}

TEST_CASE("settle() sees timers that are due, and leaves those that are not") {
  testing::run([] {
    Log log;
    EventLoop& loop = get_running_loop();
    loop.call_later(0s, [&] { log("due"); });
    Handle later = loop.call_later(1ns, [&] { log("not due"); });
    settle();
    CHECK(log == Log{"due"});
    later.cancel();
  });
}

TEST_CASE("several tasks may settle at once") {
  testing::run([] {
    Log log;
    auto a = create_task([&] {
      settle();
      log("a");
    });
    auto b = create_task([&] {
      settle();
      log("b");
    });
    await(a);
    await(b);
    CHECK(log == Log{"a", "b"});
  });
}

TEST_CASE("settle() can be cancelled, and needs a task") {
  CHECK_THROWS_AS(settle(), RuntimeError);
  testing::run([] {
    auto task = create_task([] {
      current_task().cancel();
      settle();
    });
    settle();
    CHECK(task.cancelled());
  });
}

TEST_CASE("settle() while another task runs on can be cancelled, and ends with run()") {
  const auto settling = [](bool& cancelled) {
    return [&cancelled] {
      try {
        settle();
      } catch (const CancelledError&) {
        cancelled = true;
        throw;
      }
    };
  };
  bool by_cancel = false;
  bool by_the_end = false;
  weft::run([&] {
    create_task([] {
      for (;;) yield_now();
    });
    auto task = create_task(settling(by_cancel));
    create_task(settling(by_the_end));
    for (int i = 0; i < 10; ++i) yield_now();
    CHECK_FALSE(task.done());
    task.cancel();
    yield_now();
    CHECK(by_cancel);
    CHECK_FALSE(by_the_end);
  });
  CHECK(by_the_end);
}

// ---- turns()

TEST_CASE("turns() counts the suspensions of the present task only") {
  testing::run([] {
    auto other = create_task([] {
      for (int i = 0; i < 10; ++i) yield_now();
    });
    CHECK(turns([] {}) == 0);
    CHECK(turns([] { yield_now(); }) == 1);
    CHECK(turns([] {
            yield_now();
            sleep(1s);
            trap(std::nullopt);
          }) == 3);
    CHECK(turns([] { turns([] { yield_now(); }); }) == 1);
    CHECK(other.done());
  });
}

TEST_CASE("turns() passes on what the body throws, and needs a task") {
  CHECK_THROWS_AS(turns([] {}), RuntimeError);
  testing::run([] { CHECK_THROWS_AS(turns([] { throw ValueError(); }), ValueError); });
}

TEST_SUITE_END();
