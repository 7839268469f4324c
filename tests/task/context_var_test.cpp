#include <weft/task/context_var.h>

#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <weft/coro/await.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle;

TEST_SUITE_BEGIN("ContextVar");

namespace {

/// Each case begins with an empty context.
template <class F>
void afresh(F&& body) {
  Context().run([&] { testing::run(body); });
}

}  // namespace

TEST_CASE("a variable without value and default has none to give") {
  const ContextVar<int> var("v");
  CHECK(error_of([&] { var.get(); }) == "LookupError('ContextVar 'v' has no value')");
  CHECK(var.get(3) == 3);
  CHECK(var.name() == "v");
}

TEST_CASE("a default is given where nothing is set") {
  afresh([] {
    ContextVar<std::string> var("v", "default");
    CHECK(var.get() == "default");
    CHECK(var.get("fallback") == "fallback");
    var.set("value");
    CHECK(var.get() == "value");
    CHECK(var.get("fallback") == "value");
  });
}

TEST_CASE("reset() restores what was before the set()") {
  afresh([] {
    ContextVar<int> var("v");
    const auto first = var.set(1);
    const auto second = var.set(2);
    var.reset(second);
    CHECK(var.get() == 1);
    var.reset(first);
    CHECK_THROWS_AS(var.get(), LookupError);
    CHECK(copy_context().size() == 0);
  });
}

TEST_CASE("a variable that is set again still counts once") {
  Context context;
  ContextVar<int> var("v");
  ContextVar<int> other("o");
  context.run([&] {
    var.set(1);
    other.set(2);
    var.set(3);
    CHECK(var.get() == 3);
  });
  CHECK(context.size() == 2);
}

TEST_CASE("a token serves once, for its variable, in its context") {
  afresh([] {
    ContextVar<int> var("v");
    ContextVar<int> other("o");
    const auto token = var.set(1);
    CHECK(error_of([&] { other.reset(token); }) ==
          "ValueError('Token was created by a different ContextVar')");
    CHECK(error_of([&] { copy_context().run([&] { var.reset(token); }); }) ==
          "ValueError('Token was created in a different Context')");
    var.reset(token);
    CHECK(error_of([&] { var.reset(token); }) ==
          "RuntimeError('Token has already been used once')");
  });
}

TEST_CASE("a task begins with a copy of its creator's values, and keeps its own") {
  afresh([] {
    ContextVar<int> var("v");
    var.set(1);
    const auto task = create_task([&] {
      const int inherited = var.get();
      var.set(inherited + 1);
      sleep(1s);
      return var.get();
    });
    var.set(10);  // behind the copy
    CHECK(await(task) == 2);
    CHECK(var.get() == 10);
  });
}

TEST_CASE("tasks that take turns do not see each other's values") {
  afresh([] {
    ContextVar<int> var("v", 0);
    const auto count = [&] {
      for (int i = 0; i < 3; ++i) {
        var.set(var.get() + 1);
        yield_now();
      }
      return var.get();
    };
    const auto a = create_task(count);
    const auto b = create_task(count);
    CHECK(await(a) == 3);
    CHECK(await(b) == 3);
    CHECK(var.get() == 0);
  });
}

TEST_CASE("a callback runs in a copy of the context in which it was scheduled") {
  afresh([] {
    ContextVar<int> var("v", 0);
    Log log;
    EventLoop& loop = get_running_loop();
    const auto note = [&](const char* which) {
      return [&, which] {
        log(which + std::to_string(var.get()));
        var.set(9);
      };
    };
    var.set(1);
    loop.call_soon(note("soon "));
    loop.call_later(1s, note("later "));
    loop.call_soon_threadsafe(note("threadsafe "));
    const Future<> future;
    future.add_done_callback(note("done "));
    var.set(2);
    loop.call_soon(note("soon "));
    future.set_result();
    sleep(2s);
    CHECK(log == Log{"soon 1", "threadsafe 1", "soon 2", "done 1", "later 1"});
    CHECK(var.get() == 2);
  });
}

TEST_CASE("a callback that was scheduled without a value has none") {
  EventLoop loop;
  ContextVar<int> var("v", 0);
  Context().run([&] {
    int seen = -1;
    loop.call_soon([&] { seen = var.get(); });
    var.set(1);
    loop.stop();
    loop.run_forever();
    CHECK(seen == 0);
    CHECK(var.get() == 1);
  });
}

TEST_CASE("a task made by a callback inherits the callback's values") {
  afresh([] {
    ContextVar<int> var("v", 0);
    std::optional<Task<int>> task;
    get_running_loop().call_soon([&] {
      var.set(5);
      task = create_task([&] { return var.get(); });
    });
    settle();
    CHECK(await(*task) == 5);
  });
}

TEST_CASE("run() begins with the values of its thread, and leaves them as they are") {
  Context().run([] {
    ContextVar<int> var("v", 0);
    var.set(1);
    run([&] {
      CHECK(var.get() == 1);
      var.set(2);
    });
    CHECK(var.get() == 1);
  });
}

TEST_CASE("a context that is given to a task shows what the task has set") {
  afresh([] {
    ContextVar<int> var("v", 0);
    Context context;
    await(create_task({.context = context}, [&] {
      var.set(7);
      sleep(1s);
    }));
    CHECK(context.run([&] { return var.get(); }) == 7);
    CHECK(context.size() == 1);
    CHECK(var.get() == 0);
  });
}

TEST_CASE("Context::run() may wait, and others do not see its values meanwhile") {
  afresh([] {
    ContextVar<int> var("v", 0);
    Context context;
    const auto other = create_task([&] {
      yield_now();
      return var.get();
    });
    context.run([&] {
      var.set(1);
      CHECK(await(other) == 0);
      CHECK(var.get() == 1);
    });
    CHECK(var.get() == 0);
  });
}

TEST_CASE("a context is entered once at a time") {
  Context context;
  const std::string error = error_of([&] { context.run([&] { context.run([] {}); }); });
  CHECK(error == "RuntimeError('cannot enter context: it has been entered already')");
  context.run([] {});
}

TEST_CASE("a copy of a context stays what it was") {
  afresh([] {
    ContextVar<int> var("v", 0);
    var.set(1);
    Context copy = copy_context();
    var.set(2);
    CHECK(copy.run([&] { return var.get(); }) == 1);
    CHECK_FALSE(copy == copy_context());
  });
}

TEST_CASE("threads have contexts of their own") {
  Context().run([] {
    ContextVar<int> var("v", 0);
    var.set(1);
    int seen = -1;
    std::thread([&] { seen = var.get(); }).join();
    CHECK(seen == 0);
  });
}

TEST_CASE("a variable that follows another one in memory does not find its value") {
  afresh([] {
    std::optional<ContextVar<int>> var;
    var.emplace("first");
    var->set(1);
    var.emplace("second");
    CHECK_THROWS_AS(var->get(), LookupError);
  });
}

TEST_CASE("an eager task has its own values at once") {
  afresh([] {
    ContextVar<int> var("v", 0);
    create_task({.eager_start = true}, [&] { var.set(1); });
    CHECK(var.get() == 0);
  });
}

TEST_SUITE_END();
