#include <weft/task/task.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("Task");

// ---- creation

TEST_CASE("a task begins in the next turn, not inside create_task()") {
  testing::run([] {
    Log log;
    auto task = create_task([&] { log("task"); });
    log("created");
    CHECK_FALSE(task.done());
    yield_now();
    CHECK(log == Log{"created", "task"});
    CHECK(task.done());
  });
}

TEST_CASE("a task gives the result of its function") {
  testing::run([] {
    auto number = create_task([] { return 42; });
    auto nothing = create_task([] {});
    auto owner = create_task([] { return std::make_unique<int>(7); });
    CHECK(await(number) == 42);
    await(nothing);
    CHECK(*await(owner) == 7);
    CHECK(number.result() == 42);                        // a copy
    CHECK_THROWS_AS(owner.result(), InvalidStateError);  // moved out
  });
}

TEST_CASE("arguments are copied or moved into the task, std::ref() passes a reference") {
  testing::run([] {
    std::string text = "before";
    int count = 0;
    auto task = create_task(
        [](std::string copy, std::unique_ptr<int> owner, int& counter, const char* literal) {
          counter += *owner;
          return copy + " " + literal;
        },
        text, std::make_unique<int>(5), std::ref(count), "literal");
    text = "after";
    CHECK(await(task) == "before literal");
    CHECK(count == 5);
  });
}

TEST_CASE("what a task captured is destroyed when it ends, not when its handle goes") {
  testing::run([] {
    const auto held = std::make_shared<int>(1);
    auto task = create_task([held] {});
    settle();
    CHECK(held.use_count() == 1);
    CHECK(task.done());
  });
}

TEST_CASE("a coroutine object becomes a task") {
  testing::run([] {
    auto task = create_task(Coroutine<int>([] {
      sleep(1s);
      return 3;
    }));
    auto named = create_task({.name = "named", .stack = {}}, Coroutine<>([] {}));
    CHECK(named.name() == "named");
    CHECK(await(task) == 3);
    await(named);
  });
}

TEST_CASE("create_task() outside a loop is an error, and takes nothing") {
  CHECK(error_of([] { create_task([] {}); }) ==
        "RuntimeError('create_task: no running event loop')");
  Coroutine<int> coroutine([] { return 1; });
  CHECK_THROWS_AS(create_task(std::move(coroutine)), RuntimeError);
  CHECK(coroutine.state() == State::Created);  // NOLINT: it was not moved from
  coroutine.close();
}

TEST_CASE("a task may be made for a loop that does not run yet") {
  EventLoop loop(virtual_time());
  const auto task = create_task({.loop = &loop, .where = {}}, [] { return 7; });
  CHECK_FALSE(task.done());
  CHECK(run_until_complete(loop, task) == 7);
}

TEST_CASE("a task may have a larger stack") {
  testing::run([] {
    auto task = create_task({.name = "", .stack = {.size = 4 << 20}}, [] {
      volatile char large[2 << 20];
      large[0] = 1;
      large[sizeof large - 1] = 2;
      return large[0] + large[sizeof large - 1];
    });
    CHECK(await(task) == 3);
  });
}

// ---- names

TEST_CASE("a task has the name it was given, or one with a number") {
  testing::run([] {
    auto named = create_task({.name = "fetch", .stack = {}}, [] {});
    auto first = create_task([] {});
    auto second = create_task([] {});
    CHECK(named.name() == "fetch");
    CHECK(first.name().starts_with("Task-"));
    CHECK(std::stoi(second.name().substr(5)) == std::stoi(first.name().substr(5)) + 1);
    first.set_name("renamed");
    CHECK(first.name() == "renamed");
    settle();
    CHECK(first.name() == "renamed");  // also when it has ended
  });
}

// ---- ends

TEST_CASE("an exception of the function is the task's") {
  testing::run([] {
    auto task = create_task([]() -> int { throw ValueError("inside"); });
    CHECK(error_of([&] { await(task); }) == "ValueError('inside')");
    CHECK(describe(task.exception()) == "ValueError('inside')");
    CHECK_FALSE(task.cancelled());
  });
}

TEST_CASE("a task that throws CancelledError of its own counts as cancelled") {
  testing::run([] {
    auto task = create_task([] { throw CancelledError("mine"); });
    settle();
    CHECK(task.cancelled());
    CHECK(error_of([&] { task.result(); }) == "CancelledError('mine')");
  });
}

TEST_CASE("a StopIteration out of a task is a RuntimeError, with it as the cause") {
  testing::run([] {
    auto task = create_task([] { throw StopIteration(); });
    settle();
    CHECK(error_of([&] { task.result(); }) == "RuntimeError('coroutine raised StopIteration')");
  });
}

TEST_CASE("a pending task has neither result nor exception") {
  testing::run([] {
    auto task = create_task([] { return 1; });
    CHECK(error_of([&] { task.result(); }) == "InvalidStateError('Result is not set.')");
    CHECK(error_of([&] { task.exception(); }) == "InvalidStateError('Exception is not set.')");
    settle();
  });
}

TEST_CASE("only its function gives a task its result") {
  testing::run([] {
    auto task = create_task([] { return 1; });
    const Future<int> handle = task;
    CHECK(error_of([&] { handle.set_result(2); }) ==
          "RuntimeError('Task does not support set_result operation')");
    CHECK(error_of([&] { handle.set_exception(ValueError()); }) ==
          "RuntimeError('Task does not support set_exception operation')");
    CHECK(await(task) == 1);
  });
}

TEST_CASE("a task whose handle is dropped goes on") {
  testing::run([] {
    Log log;
    create_task([&] {
      sleep(1s);
      log("done");
    });
    sleep(2s);
    CHECK(log == Log{"done"});
  });
}

TEST_CASE("an exception that nobody retrieves is told once the last handle has gone") {
  testing::run([] {
    Told told;
    {
      auto task = create_task({.name = "lost", .stack = {}}, [] { throw ValueError("x"); });
      settle();
      CHECK(told.log.empty());
    }
    CHECK(told.log == Log{"Task exception was never retrieved: ValueError('x')"});
    told.log.clear();
    create_task([] { throw ValueError("at once"); });
    settle();
    CHECK(told.log == Log{"Task exception was never retrieved: ValueError('at once')"});
  });
}

TEST_CASE("callbacks of a task run when it has ended") {
  testing::run([] {
    Log log;
    auto task = create_task([&] {
      log("task");
      return 5;
    });
    task.add_done_callback([&](const Future<int>& f) { log(std::to_string(f.result())); });
    settle();
    CHECK(log == Log{"task", "5"});
  });
}

TEST_CASE("a task's stack is free once it has ended, whoever keeps the handle") {
  testing::run([] {
    const std::size_t before = stack_statistics().in_use;
    std::vector<Task<int>> kept;
    for (int i = 0; i < 10; ++i) kept.push_back(create_task([i] { return i; }));
    settle();
    CHECK(stack_statistics().in_use == before);
    CHECK(kept[9].result() == 9);
  });
}

// ---- who runs

TEST_CASE("current_task() is the task that calls it") {
  testing::run([] {
    CHECK(current_task().name() == "main");
    auto other = create_task({.name = "other", .stack = {}}, [] {
      const AnyTask before = current_task();
      sleep(1s);
      return current_task() == before && before.name() == "other";
    });
    CHECK(await(other));
    CHECK(current_task().name() == "main");
  });
}

TEST_CASE("inside a coroutine that is awaited, the current task is the one that awaits") {
  testing::run([] {
    Coroutine<std::string> kept([] { return current_task().name(); });
    CHECK(await(Coroutine<std::string>([] { return current_task().name(); })) == "main");
    CHECK(await(kept) == "main");
  });
}

TEST_CASE("there is no current task in a callback, nor outside a loop") {
  CHECK_THROWS_AS(current_task(), RuntimeError);
  EventLoop loop(virtual_time());
  std::string error;
  in_loop(loop, [&] { error = error_of([] { current_task(); }); });
  CHECK(error == "RuntimeError('current_task: no task is running')");
}

TEST_CASE("all_tasks() lists those that have not ended, in order of creation") {
  testing::run([] {
    auto a = create_task({.name = "a", .stack = {}}, [] { sleep(1s); });
    auto b = create_task({.name = "b", .stack = {}}, [] {});
    auto c = create_task({.name = "c", .stack = {}}, [] { sleep(1s); });
    const auto names = [] {
      std::string text;
      for (const AnyTask& task : all_tasks()) text += task.name() + " ";
      return text;
    };
    CHECK(names() == "main a b c ");
    settle();
    CHECK(names() == "main a c ");
    await(c);
    CHECK(names() == "main ");
  });
}

TEST_CASE("AnyTask is a handle like others") {
  testing::run([] {
    auto task = create_task({.name = "any", .stack = {}}, [] { sleep(1h); });
    const AnyTask any = task;
    CHECK(any == AnyTask(task));
    CHECK_FALSE(any == current_task());
    settle();
    CHECK(any.waits_for() == "sleep");
    CHECK_FALSE(any.done());
    CHECK(any.cancel("any"));
    CHECK(any.cancelling() == 1);
    settle();
    CHECK(any.cancelled());
    CHECK(any.waits_for().empty());
    CHECK(error_of([&] { any.exception(); }) == "CancelledError('any')");
  });
}

TEST_CASE("AnyTask can be awaited, and gives what a failed one ended with") {
  testing::run([] {
    const AnyTask works = create_task([] {
      sleep(1s);
      return 5;
    });
    const AnyTask fails = create_task([] {
      sleep(1s);
      throw ValueError("x");
    });
    CHECK(error_of([&] { works.result(); }) == "InvalidStateError('Result is not set.')");
    CHECK_NOTHROW(await(works));
    CHECK_NOTHROW(works.result());
    CHECK(error_of([&] { await(fails); }) == "ValueError('x')");
    CHECK(error_of([&] { fails.result(); }) == "ValueError('x')");
  });
}

// ---- many

TEST_CASE("ten thousand tasks sleep at once") {
  testing::run([] {
    constexpr int kMany = 10'000;
    int awake = 0;
    std::vector<Task<>> tasks;
    tasks.reserve(kMany);
    for (int i = 0; i < kMany; ++i)
      tasks.push_back(create_task([&awake, i] {
        sleep(std::chrono::milliseconds(i % 10 + 1));
        ++awake;
      }));
    for (const Task<>& task : tasks) await(task);
    CHECK(awake == kMany);
  });
}

TEST_SUITE_END();
