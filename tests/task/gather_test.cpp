#include <weft/task/gather.h>

#include <list>
#include <memory>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A function that sleeps, then gives `value`.
template <class T>
auto after(Duration delay, T value) {
  return [delay, value] {
    sleep(delay);
    return value;
  };
}

auto failing(Duration delay, const char* message) {
  return [delay, message]() -> int {
    sleep(delay);
    throw ValueError(message);
  };
}

}  // namespace

TEST_SUITE_BEGIN("gather");

TEST_CASE("results come in the order of the arguments, each of its type") {
  testing::run([] {
    const TimePoint start = now();
    auto [number, text, nothing] =
        gather(after(3s, 42), after(1s, std::string("text")), [] { sleep(2s); });
    CHECK(number == 42);
    CHECK(text == "text");
    CHECK(nothing == std::monostate{});
    CHECK(now() - start == 3s);  // side by side
  });
}

TEST_CASE("functions start in the order of the arguments") {
  testing::run([] {
    std::string order;
    gather([&] { order += 'a'; }, [&] { order += 'b'; }, [&] { order += 'c'; });
    CHECK(order == "abc");
  });
}

TEST_CASE("functions, coroutines, tasks and futures may be mixed") {
  testing::run([] {
    const Future<int> future;
    auto task = create_task(after(1s, 2));
    get_running_loop().call_later(2s, [&] { future.set_result(3); });
    auto [a, b, c, d] = gather(after(0s, 1), task, future, Coroutine<int>([] { return 4; }));
    CHECK(std::tuple(a, b, c, d) == std::tuple(1, 2, 3, 4));
  });
}

TEST_CASE("results that can only be moved are moved") {
  testing::run([] {
    auto [a, b] =
        gather([] { return std::make_unique<int>(1); }, [] { return std::make_unique<int>(2); });
    CHECK(*a + *b == 3);
  });
}

TEST_CASE("one argument gives a tuple of one") {
  testing::run([] {
    auto [only] = gather(after(1s, 1));
    CHECK(only == 1);
  });
}

TEST_CASE("the same future twice counts twice") {
  testing::run([] {
    auto task = create_task(after(1s, 5));
    auto [a, b] = gather(task, task);
    CHECK(a + b == 10);
  });
}

TEST_CASE("what is done already is gathered without delay") {
  testing::run([] {
    const Future<int> future;
    future.set_result(1);
    const TimePoint start = now();
    auto [value] = gather(future);
    CHECK(value == 1);
    CHECK(now() == start);
  });
}

// ---- ranges

TEST_CASE("a range of functions gives a vector of results") {
  testing::run([] {
    std::vector<std::function<int()>> functions;
    for (int i = 0; i < 5; ++i) functions.emplace_back(after(std::chrono::seconds(5 - i), i));
    CHECK(gather(functions) == std::vector<int>{0, 1, 2, 3, 4});
  });
}

TEST_CASE("ranges of tasks, of futures and of coroutines are gathered, too") {
  testing::run([] {
    std::list<Task<int>> tasks{create_task(after(2s, 1)), create_task(after(1s, 2))};
    CHECK(gather(tasks) == std::vector<int>{1, 2});
    std::vector<Future<bool>> futures(2);
    futures[0].set_result(true);
    futures[1].set_result(false);
    CHECK(gather(futures) == std::vector<bool>{true, false});
    std::vector<Coroutine<int>> coroutines;
    for (int i = 0; i < 3; ++i) coroutines.emplace_back([i] { return i; });
    CHECK(gather(std::move(coroutines)) == std::vector<int>{0, 1, 2});
    CHECK(gather(std::views::iota(0, 3) | std::views::transform([](int i) {
                   return Coroutine<int>([i] { return 10 * i; });
                 })) == std::vector<int>{0, 10, 20});
  });
}

TEST_CASE("an empty range is done at once") {
  testing::run([] {
    std::vector<Task<int>> none;
    CHECK(turns([&] { CHECK(gather(none).empty()); }) == 0);
    std::vector<Task<>> nothing;
    CHECK(turns([&] { gather(nothing); }) == 0);
  });
}

// ---- exceptions

TEST_CASE("the first exception is thrown at once, and the others go on") {
  testing::run([] {
    Log log;
    const TimePoint start = now();
    auto slow = create_task([&] {
      sleep(5s);
      log("slow");
    });
    CHECK(error_of([&] { gather(slow, failing(2s, "late"), failing(1s, "first")); }) ==
          "ValueError('first')");
    CHECK(now() - start == 1s);
    CHECK_FALSE(slow.done());
    await(slow);
    CHECK(log == Log{"slow"});
  });
}

TEST_CASE("later exceptions are nobody's business") {
  testing::run([] {
    Told told;
    CHECK_THROWS_AS(gather(failing(1s, "first"), failing(2s, "second")), ValueError);
    sleep(3s);
    CHECK(told.log.empty());
  });
}

TEST_CASE("what it does not wait for any longer does not keep it, nor it that") {
  testing::run([] {
    const auto held = std::make_shared<int>(1);
    {
      const Future<std::shared_ptr<int>> never;
      never.add_done_callback([held] {});
      CHECK_THROWS_AS(gather(never, failing(1s, "first")), ValueError);
    }
    CHECK(held.use_count() == 1);
  });
}

TEST_CASE("a child that is cancelled counts as one that fails") {
  testing::run([] {
    auto child = create_task(after(1h, 1));
    auto sibling = create_task(after(2s, 2));
    get_running_loop().call_later(1s, [&] { child.cancel("child"); });
    CHECK(error_of([&] { gather(child, sibling); }) == "CancelledError('child')");
    CHECK_FALSE(sibling.done());
    CHECK(await(sibling) == 2);
  });
}

TEST_CASE("gather() outside a loop or a task is an error") {
  CHECK_THROWS_AS(gather([] {}), RuntimeError);
  EventLoop loop(virtual_time());
  std::string error;
  in_loop(loop, [&] {
    const Future<> future;
    error = error_of([&] { gather(future); });
  });
  CHECK(error == "RuntimeError('a wait outside a task: nothing here can be suspended')");
}

// ---- cancellation

TEST_CASE("cancelling it cancels the children, tasks and futures alike") {
  testing::run([] {
    const Future<> future;
    auto child = create_task(after(1h, 1));
    auto waits = create_task([&] { gather(child, future); });
    settle();
    waits.cancel("all");
    settle();
    CHECK(child.cancelled());
    CHECK(future.cancelled());
    CHECK(error_of([&] { waits.result(); }) == "CancelledError('all')");
  });
}

TEST_CASE("cancelled, it ends with the first child that ends by that") {
  testing::run([] {
    Log log;
    auto careful = create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        sleep(1s);
        log("careful");
        throw;
      }
    });
    auto waits = create_task([&] {
      try {
        gather(after(1h, 1), careful);
      } catch (const CancelledError&) {
        log("gather");
        throw;
      }
    });
    settle();
    waits.cancel();
    sleep(2s);
    CHECK(log == Log{"gather", "careful"});  // as in CPython
  });
}

TEST_CASE("cancelled, it throws CancelledError even if all children refuse") {
  testing::run([] {
    const auto refuses = [] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
      }
      return 1;
    };
    auto waits = create_task([&] { gather(refuses, refuses); });
    settle();
    waits.cancel();
    settle();
    CHECK(waits.cancelled());
  });
}

TEST_CASE("cancelled before it waits, it cancels children that have not begun") {
  testing::run([] {
    bool ran = false;
    auto waits = create_task([&] {
      current_task().cancel();
      gather([&] { ran = true; });
    });
    settle();
    CHECK(waits.cancelled());
    CHECK_FALSE(ran);
  });
}

TEST_CASE("cancelled when all is done already, it throws CancelledError") {
  testing::run([] {
    const Future<int> future;
    auto waits = create_task([&] { gather(future); });
    settle();
    future.set_result(1);
    yield_now();  // the gathering knows, its task does not yet
    waits.cancel("late");
    settle();
    CHECK(error_of([&] { waits.result(); }) == "CancelledError('late')");
  });
}

TEST_CASE("the loop of a gathering future is that of its children, which need not run yet") {
  EventLoop loop(virtual_time());
  const std::vector<Future<int>> children{Future<int>(loop), Future<int>(loop)};
  const auto all = gather_future(children);
  children[0].set_result(1);
  children[1].set_result(2);
  CHECK(run_until_complete(loop, all) == std::vector<int>{1, 2});
}

TEST_CASE(
    "a task that is cancelled while a failed gather() is on its way to it keeps the message") {
  testing::run([] {
    const Future<> child;
    const auto all = gather_future(child);
    auto task = create_task([&] { await(all); });
    settle();
    child.cancel("first");
    get_running_loop().call_soon([&] { task.cancel("second"); });
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('first')");
  });
}

TEST_CASE("a task that is cancelled while a failed gather() is on its way has seen the failure") {
  testing::run([] {
    Told told;
    {
      const Future<> child;
      const auto all = gather_future(child);
      const auto task = create_task([&] { await(all); });
      settle();
      child.set_exception(ValueError());
      get_running_loop().call_soon([&] { task.cancel(); });
      settle();
      CHECK(task.cancelled());
    }
    CHECK(told.log.empty());
  });
}

TEST_CASE("of two that fail in one turn the first is thrown, and the second is nobody's business") {
  testing::run([] {
    Told told;
    {
      const Future<> a;
      const Future<> b;
      const auto waiting = create_task([&] { return error_of([&] { gather(a, b); }); });
      settle();
      a.set_exception(ValueError("a"));
      b.set_exception(ValueError("b"));
      CHECK(await(waiting) == "ValueError('a')");
    }
    CHECK(told.log.empty());
  });
}

TEST_CASE("a result that can only be moved cannot be gathered twice") {
  testing::run([] {
    const auto task = create_task([] { return std::make_unique<int>(1); });
    CHECK(error_of([&] { gather(task, task); }) ==
          "InvalidStateError('the result has been moved out')");
  });
}

TEST_SUITE_END();
