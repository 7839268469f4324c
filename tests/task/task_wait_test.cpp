// What tasks wait through: other tasks, coroutines, generators, hands.
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("waits of a Task");

// ---- for tasks

TEST_CASE("a task may be awaited by several tasks") {
  testing::run([] {
    auto shared = create_task([] {
      sleep(1s);
      return 5;
    });
    auto a = create_task([&] { return await(shared) + 1; });
    auto b = create_task([&] { return await(shared) + 2; });
    CHECK(await(a) == 6);
    CHECK(await(b) == 7);
    CHECK(await(shared) == 5);
  });
}

TEST_CASE("awaiting a task that has ended does not suspend") {
  testing::run([] {
    auto task = create_task([] { return 1; });
    settle();
    CHECK(turns([&] { CHECK(await(task) == 1); }) == 0);
  });
}

TEST_CASE("a task cannot await itself; it hears of that in the next turn") {
  testing::run([] {
    Log log;
    std::optional<Task<>> self;
    self = create_task([&] {
      log("awaits");
      log(error_of([&] { await(*self); }));
    });
    create_task([&] { log("other"); });
    settle();
    CHECK(log == Log{"awaits", "other", "RuntimeError('Task cannot await on itself')"});
  });
}

TEST_CASE("a future of another loop cannot be awaited; the task hears of that in the next turn") {
  testing::run([] {
    EventLoop elsewhere(virtual_time());
    const Future<> foreign(elsewhere);
    CHECK(turns([&] {
            CHECK(error_of([&] { foreign.await(); }) ==
                  "RuntimeError('Task got Future attached to a different loop')");
          }) == 1);
    foreign.set_result();
    CHECK(turns([&] { foreign.await(); }) == 0);  // done, it is as good as any
  });
}

// ---- outside tasks

TEST_CASE("a wait outside a task is an error: in a callback, or without a loop") {
  const std::string message =
      "RuntimeError('a wait outside a task: nothing here can be suspended')";
  CHECK(error_of([] { yield_now(); }) == message);
  CHECK(error_of([] { sleep(1s); }) == message);
  EventLoop loop(virtual_time());
  Log log;
  in_loop(loop, [&] {
    log(error_of([] { sleep(1s); }));
    log(error_of([] { Future<>().await(); }));
    log(error_of([] { await(Coroutine<>([] {})); }));
  });
  CHECK(log == Log{message, message, "RuntimeError('await() outside a coroutine or task')"});
}

// ---- traps

TEST_CASE("trap() of something that is no future is an error in the next turn") {
  testing::run([] {
    CHECK(turns([] {
            CHECK(error_of([] { trap(5); }) == "RuntimeError('Task got bad yield: 5')");
          }) == 1);
  });
}

TEST_CASE("what a trapped future fails with is thrown where it was trapped") {
  testing::run([] {
    const Future<> future;
    detail::FutureBase* const state = detail::Access::state(future);  // white box
    const auto task = create_task([&] { return error_of([&] { trap(state); }); });
    settle();
    future.set_exception(ValueError("x"));
    CHECK(await(task) == "ValueError('x')");
  });
}

TEST_CASE("trap(std::nullopt) gives up one turn") {
  testing::run([] {
    Log log;
    create_task([&] { log("other"); });
    CHECK(turns([] { trap(std::nullopt); }) == 1);
    CHECK(log == Log{"other"});
  });
}

// ---- through coroutines and generators

TEST_CASE("a coroutine that is awaited in place may wait, at any depth") {
  testing::run([] {
    const auto inner = [] {
      return Coroutine<int>([] {
        sleep(1s);
        return 1;
      });
    };
    const auto outer = [&] {
      return Coroutine<int>([&] { return await(inner()) + await(inner()); });
    };
    const TimePoint start = now();
    CHECK(await(outer()) == 2);
    CHECK(now() - start == 2s);
  });
}

TEST_CASE("a coroutine object with its own stack may wait") {
  testing::run([] {
    Log log;
    Coroutine<int> kept([&] {
      log("begins");
      sleep(1s);
      yield_now();
      return 7;
    });
    auto other = create_task([&] {
      sleep(500ms);
      log("meanwhile");
    });
    CHECK(await(kept) == 7);
    CHECK(log == Log{"begins", "meanwhile"});
    CHECK(error_of([&] { await(kept); }) ==
          "RuntimeError('cannot reuse already awaited coroutine')");
    await(other);
  });
}

TEST_CASE("two tasks cannot await one coroutine") {
  testing::run([] {
    Coroutine<> kept([] { sleep(1s); });
    auto first = create_task([&] { await(kept); });
    auto second = create_task([&] { await(kept); });
    settle();
    CHECK(error_of([&] { second.result(); }) ==
          "RuntimeError('coroutine is being awaited already')");
    await(first);
  });
}

TEST_CASE("the body of a generator that a task drives may wait") {
  testing::run([] {
    Log log;
    const auto slow = [] {
      return Generator<int>([](auto& self) {
        for (int i = 0; i < 3; ++i) {
          sleep(1s);
          self.yield(i);
        }
      });
    };
    auto other = create_task([&] {
      for (int i = 0; i < 3; ++i) {
        sleep(600ms);
        log("other");
      }
    });
    for (int item : slow()) log(std::to_string(item));
    CHECK(log == Log{"other", "0", "other", "other", "1", "2"});
    await(other);
  });
}

TEST_CASE("a generator whose body waits is running, and nobody else can drive it meanwhile") {
  testing::run([] {
    Generator<int> generator([](auto& self) {
      sleep(1s);
      self.yield(1);
    });
    auto task = create_task([&] { return generator.next().value(); });
    settle();
    CHECK(generator.state() == State::Running);
    CHECK(error_of([&] { generator.next(); }) == "ValueError('generator already executing')");
    CHECK(await(task) == 1);
  });
}

TEST_CASE("cancelling a task inside a generator's body goes through both") {
  testing::run([] {
    Log log;
    Generator<int> generator([&](auto& self) {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        log("generator");
        throw;
      }
      self.yield(1);
    });
    auto task = create_task([&] {
      try {
        generator.next();
      } catch (const CancelledError&) {
        log("task");
        throw;
      }
    });
    settle();
    task.cancel();
    settle();
    CHECK(log == Log{"generator", "task"});
    CHECK(generator.state() == State::Closed);
  });
}

TEST_CASE("generators that drive generators may wait at the bottom") {
  testing::run([] {
    const auto bottom = [] {
      return Generator<int>([](auto& self) {
        yield_now();
        self.yield(1);
        sleep(1s);
        self.yield(2);
      });
    };
    const auto top = [&] {
      return Generator<int>([&](auto& self) {
        for (int item : bottom()) self.yield(10 * item);
        self.yield_from(bottom());
      });
    };
    std::vector<int> items;
    for (int item : top()) items.push_back(item);
    CHECK(items == std::vector<int>{10, 20, 1, 2});
  });
}

// ---- by hand

TEST_CASE("a coroutine driven by hand inside a task gives its waits to the hand") {
  testing::run([] {
    Coroutine<int> coroutine([] {
      yield_now();
      return 3;
    });
    auto step = coroutine.send();
    REQUIRE_FALSE(step.done());
    CHECK(step.value().holds<std::nullopt_t>());
    step = coroutine.send();
    CHECK(step.result() == 3);
  });
}

TEST_CASE("a coroutine driven by hand that sleeps traps a future; sending too early is told") {
  testing::run([] {
    Coroutine<> coroutine([] { sleep(1s); });
    const auto step = coroutine.send();
    REQUIRE_FALSE(step.done());
    CHECK(step.value().holds<detail::FutureBase*>());
    CHECK(error_of([&] { coroutine.send(); }) == "RuntimeError('await wasn't used with future')");
  });
}

TEST_CASE("a hand that hands the future on makes the coroutine sleep") {
  testing::run([] {
    Coroutine<int> coroutine([] {
      sleep(1s);
      return 4;
    });
    const TimePoint start = now();
    auto step = coroutine.send();
    while (!step.done()) {
      trap(step.value().get<detail::FutureBase*>());
      step = coroutine.send();
    }
    CHECK(step.result() == 4);
    CHECK(now() - start == 1s);
  });
}

TEST_CASE("what a hand throws in comes out of the wait, and the timer is gone") {
  testing::run([] {
    Coroutine<> coroutine([] { sleep(1h); });
    coroutine.send();
    CHECK(error_of([&] { coroutine.throw_(ValueError("hand")); }) == "ValueError('hand')");
    Coroutine<> closed([] { sleep(1h); });
    closed.send();
    closed.close();
  });  // run() looks for what is left
}

TEST_CASE("a coroutine resumed by hand while a task awaits it: both hear of it") {
  testing::run([] {
    Log log;
    Coroutine<> kept([&] { log(error_of([] { sleep(1h); })); });
    auto task = create_task([&] { await(kept); });
    settle();
    CHECK(kept.send().done());
    settle();
    CHECK(log == Log{"RuntimeError('the coroutine was resumed while it waits')"});
    CHECK(error_of([&] { task.result(); }) ==
          "RuntimeError('cannot reuse already awaited coroutine')");
  });
}

TEST_CASE("a coroutine closed by hand while a task awaits it: the task goes on") {
  testing::run([] {
    Log log;
    const Future<> future;
    Coroutine<> kept([&] { future.await(); });
    auto task = create_task([&] { log(error_of([&] { await(kept); })); });
    settle();
    kept.close();
    settle();
    CHECK(task.done());
    CHECK(log == Log{"RuntimeError('cannot reuse already awaited coroutine')"});
    future.set_result();  // wakes nobody
    settle();
  });
}

TEST_CASE("a coroutine that a hand has begun cannot be awaited, only driven on") {
  testing::run([] {
    Coroutine<int> kept([] {
      const int sent = trap<int>(1);
      sleep(1s);
      return sent;
    });
    CHECK(kept.send().value().get<int>() == 1);
    CHECK(error_of([&] { await(kept); }) == "RuntimeError('coroutine is being awaited already')");
    auto step = kept.send(6);
    trap(step.value().get<detail::FutureBase*>());
    CHECK(kept.send().result() == 6);
  });
}

// ---- exceptions in flight

TEST_CASE("tasks may wait inside catch, each with its own exception") {
  testing::run([] {
    Log log;
    const auto body = [&](const char* name, Duration delay) {
      return create_task([&log, name, delay] {
        try {
          throw ValueError(name);
        } catch (const ValueError&) {
          sleep(delay);
          try {
            throw;  // still this one
          } catch (const ValueError& error) {
            log(error.message());
          }
          CHECK(std::uncaught_exceptions() == 0);
        }
      });
    };
    auto a = body("a", 3s);
    auto b = body("b", 1s);
    auto c = body("c", 2s);
    await(a);
    CHECK(log == Log{"b", "c", "a"});
  });
}

TEST_CASE("a destructor that runs while an exception passes may see others come and go") {
  struct Checks {
    int before = std::uncaught_exceptions();
    ~Checks() { CHECK(std::uncaught_exceptions() == before + 1); }
  };
  testing::run([] {
    const auto body = [] {
      const Checks checks;
      yield_now();
      throw ValueError();
    };
    auto a = create_task(body);
    auto b = create_task(body);
    settle();
    CHECK_THROWS_AS(a.result(), ValueError);
    CHECK_THROWS_AS(b.result(), ValueError);
  });
}

TEST_SUITE_END();
