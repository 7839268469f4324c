#include <weft/io/to_thread.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <weft/task/gather.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "selectors.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A call that has begun, and goes on until it is let go.
class Held {
 public:
  void operator()() {
    begun_.count_down();
    go_.wait();
    over_ = true;
  }
  void wait_until_begun() { begun_.wait(); }
  void go() { go_.count_down(); }
  bool over() const { return over_; }

 private:
  std::latch begun_{1}, go_{1};
  std::atomic<bool> over_ = false;
};

/// Lets the loop run until a call has begun.
void turn_until_begun(Held& held) {
  yield_now();  // the task that makes the call runs
  held.wait_until_begun();
}

}  // namespace

TEST_SUITE_BEGIN("to_thread");

TEST_CASE("it gives what the call returns, made in another thread, while others run") {
  testing::run([] {
    const auto here = std::this_thread::get_id();
    Held held;
    std::thread::id there;
    const auto task = create_task([&] {
      return to_thread([&] {
        there = std::this_thread::get_id();
        held();
        return 42;
      });
    });
    turn_until_begun(held);
    CHECK_FALSE(task.done());
    held.go();
    CHECK(task.await() == 42);
    CHECK(there != here);
  });
}

TEST_CASE("arguments are moved in and results moved out") {
  testing::run([] {
    auto doubled = to_thread(
        [](std::unique_ptr<int> number) {
          *number *= 2;
          return number;
        },
        std::make_unique<int>(21));
    CHECK(*doubled == 42);
    int counter = 0;
    to_thread([](int& it) { ++it; }, std::ref(counter));
    CHECK(counter == 1);
  });
}

TEST_CASE("what the call throws comes out of it") {
  testing::run([] {
    CHECK(error_of([] { to_thread([] { throw ValueError("there"); }); }) == "ValueError('there')");
    CHECK(error_of([] { to_thread([]() -> int { throw 5; }); }) == "int");
  });
}

TEST_CASE("the call has its caller's context variables, and what it sets is not seen elsewhere") {
  ThreadPool pool({.threads = 1});
  testing::run([&] {
    ContextVar<int> var("v", 0);
    const auto call = [&] {
      return to_thread({.pool = &pool}, [&] {
        const int seen = var.get();
        var.set(seen + 10);
        return seen * 100 + var.get();
      });
    };
    CHECK(call() == 10);  // of an empty context
    CHECK(call() == 10);
    const auto task = create_task([&] {
      var.set(1);
      return call();
    });
    var.set(2);
    CHECK(call() == 212);
    CHECK(await(task) == 111);
    CHECK(var.get() == 2);
  });
}

TEST_CASE("a call of run_in_executor() does not have its caller's context variables") {
  ThreadPool pool({.threads = 1});
  testing::run([&] {
    ContextVar<int> var("v", 0);
    create_task([&] {
      var.set(1);
      CHECK(await(run_in_executor(pool, [&] { return var.get(); })) == 0);
    }).await();
  });
}

TEST_CASE("function and result are destroyed in the loop's thread") {
  testing::run([] {
    std::thread::id destroyed_in;
    const auto witness = std::shared_ptr<int>(new int(1), [&](const int* number) {
      destroyed_in = std::this_thread::get_id();
      delete number;
    });
    for (int i = 0; i < 100; ++i) {
      const std::weak_ptr<int> alive = witness;
      auto copy = std::shared_ptr<int>(new int(i), [&](const int* number) {
        destroyed_in = std::this_thread::get_id();
        delete number;
      });
      to_thread([own = std::move(copy)] {});
      CHECK(destroyed_in == std::this_thread::get_id());
      destroyed_in = {};
    }
  });
}

TEST_CASE("many calls at once all come back") {
  testing::run([] {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 200; ++i)
      tasks.push_back(create_task([i] { return to_thread([i] { return i; }); }));
    int sum = 0;
    for (const auto& task : tasks) sum += task.await();
    CHECK(sum == 199 * 200 / 2);
  });
}

TEST_CASE("a call that has begun is waited for when its task is cancelled") {
  testing::run([] {
    Held held;
    const auto task = create_task([&] { to_thread(std::ref(held)); });
    turn_until_begun(held);
    task.cancel("enough");
    settle();
    CHECK_FALSE(task.done());
    task.cancel("really");
    settle();
    CHECK_FALSE(task.done());
    held.go();
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK(held.over());
  });
}

TEST_CASE("a limit is kept once the call is over") {
  testing::run([] {
    Held held;
    std::string error;
    const auto task = create_task(
        [&] { error = error_of([&] { timeout(1ms, [&] { to_thread(std::ref(held)); }); }); });
    turn_until_begun(held);
    sleep(1s);
    CHECK_FALSE(task.done());
    held.go();
    task.await();
    CHECK(error == "TimeoutError()");
  });
}

TEST_CASE("with abandon_on_cancel the task leaves at once, and the call goes on") {
  auto held = std::make_shared<Held>();
  testing::run([&] {
    const auto task =
        create_task([&] { to_thread({.abandon_on_cancel = true}, [held] { (*held)(); }); });
    turn_until_begun(*held);
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK_FALSE(held->over());
    held->go();
  });
  CHECK(held->over());  // run() has waited for the pool
}

TEST_CASE("a call that has not begun is taken back") {
  testing::run([] {
    ThreadPool pool({.threads = 1});
    Held held;
    const auto first = create_task([&] { to_thread({.pool = &pool}, std::ref(held)); });
    turn_until_begun(held);
    bool made = false;
    const auto second = create_task([&] { to_thread({.pool = &pool}, [&] { made = true; }); });
    settle();
    second.cancel();
    CHECK_THROWS_AS(second.await(), CancelledError);
    held.go();
    first.await();
    pool.shutdown();
    CHECK_FALSE(made);
  });
}

TEST_CASE("a task cancelled before it waits makes no call") {
  testing::run([] {
    bool made = false;
    const auto task = create_task([&] { to_thread([&] { made = true; }); });
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK_FALSE(made);
  });
}

TEST_CASE("outside a loop, and outside a task, it is refused") {
  CHECK(error_of([] { to_thread([] {}); }) == "RuntimeError('to_thread: no running event loop')");
  testing::run([] {
    std::string error;
    get_running_loop().call_soon([&] { error = error_of([] { to_thread([] {}); }); });
    settle();
    CHECK(contains(error, "RuntimeError('"));
  });
}

TEST_CASE("a coroutine that is destroyed while its call runs waits for that, in its thread") {
  Held held;
  std::thread late;
  {
    EventLoop loop;
    Coroutine<> body([&] { to_thread(std::ref(held)); });
    loop.call_soon([&] {
      body.send();
      loop.stop();
    });
    loop.run_forever();
    held.wait_until_begun();
    late = std::thread([&] { held.go(); });
  }  // the coroutine goes first, then the loop
  CHECK(held.over());
  late.join();
}

TEST_CASE("run() waits for abandoned calls, which may still use the loop") {
  Log log;
  run([&] {
    auto held = std::make_shared<Held>();
    EventLoop& loop = get_running_loop();
    const auto task = create_task([&] {
      to_thread({.abandon_on_cancel = true}, [&, held] {
        (*held)();
        loop.call_soon_threadsafe([&] { log("told the loop"); });
      });
    });
    turn_until_begun(*held);
    task.cancel();
    yield_now();
    held->go();
  });
  CHECK(log == Log{"told the loop"});
}

TEST_CASE("when the loop shuts down its pool takes no more calls") {
  std::string error;
  run([&] {
    get_running_loop().at_shutdown([&] { error = error_of([] { to_thread([] {}); }); });
    to_thread([] {});  // makes the pool, which goes first
  });
  CHECK(error == "RuntimeError('Executor shutdown has been called')");
}

TEST_CASE("the loop's pool is made as set_default_pool() says, once") {
  testing::run([] {
    set_default_pool({.threads = 1});
    std::vector<Task<>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(create_task([] { to_thread([] {}); }));
    for (const auto& task : tasks) task.await();
    CHECK(default_pool().threads() == 1);
    CHECK(contains(error_of([] { set_default_pool({}); }), "RuntimeError('set_default_pool: "));
  });
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("run_in_executor");

TEST_CASE("it gives a future at once, of what the call returns or throws") {
  testing::run([] {
    ThreadPool pool({.threads = 1});
    Held held;
    std::optional<Future<int>> future;
    CHECK(turns([&] {
            future = run_in_executor(pool, [&] {
              held();
              return 7;
            });
          }) == 0);
    CHECK_FALSE(future->done());
    held.go();
    CHECK(future->await() == 7);
    const auto failing = run_in_executor(pool, [] { throw ValueError("there"); });
    CHECK(error_of([&] { failing.await(); }) == "ValueError('there')");
  });
}

TEST_CASE("a pool serves several loops") {
  ThreadPool pool({.threads = 2});
  const auto use = [&] {
    run([&] {
      for (int i = 0; i < 50; ++i) CHECK(run_in_executor(pool, [i] { return i; }).await() == i);
    });
  };
  std::thread other(use);
  use();
  other.join();
}

TEST_CASE("a full queue makes the task wait until its call begins") {
  testing::run([] {
    ThreadPool pool({.threads = 1, .queue = 1});
    Held first, second;
    const auto a = run_in_executor(pool, std::ref(first));
    first.wait_until_begun();
    const auto b = run_in_executor(pool, std::ref(second));
    Log log;
    const auto task = create_task([&] {
      const auto c = run_in_executor(pool, [] { return 3; });
      log("room");
      CHECK(c.await() == 3);
    });
    settle();
    CHECK(log.empty());
    first.go();
    second.go();
    task.await();
    CHECK(log == Log{"room"});
    a.await();
    b.await();
  });
}

TEST_CASE("a task that is cancelled while it waits for room takes its call back") {
  testing::run([] {
    ThreadPool pool({.threads = 1, .queue = 1});
    Held held;
    const auto a = run_in_executor(pool, std::ref(held));
    held.wait_until_begun();
    const auto b = run_in_executor(pool, [] {});
    bool made = false;
    const auto task = create_task([&] { run_in_executor(pool, [&] { made = true; }); });
    settle();
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    held.go();
    a.await();
    b.await();
    pool.shutdown();
    CHECK_FALSE(made);
  });
}

TEST_CASE("a cancelled future takes back a call that has not begun, and leaves one that has") {
  testing::run([] {
    ThreadPool pool({.threads = 1});
    Held held;
    std::atomic<bool> made = false;
    const auto begun = run_in_executor(pool, std::ref(held));
    const auto queued = run_in_executor(pool, [&] { made = true; });
    held.wait_until_begun();
    CHECK(queued.cancel());
    CHECK(begun.cancel());
    CHECK_FALSE(begun.cancel());
    CHECK_THROWS_AS(begun.await(), CancelledError);
    held.go();
    pool.shutdown();
    CHECK(held.over());
    CHECK_FALSE(made);
  });
}

TEST_CASE("a loop may go while its calls run, and touches nothing of theirs") {
  ThreadPool pool({.threads = 1});
  Held held;
  auto result = std::make_shared<int>(5);
  std::optional<Future<std::shared_ptr<int>>> future;
  weft::run([&] {
    future = run_in_executor(pool, [&, result] {
      held();
      return result;
    });
    held.wait_until_begun();
  });
  CHECK_FALSE(future->done());
  future.reset();
  held.go();
  pool.shutdown();
  CHECK(result.use_count() == 1);
}

TEST_CASE("after shutdown() of the pool it is refused") {
  testing::run([] {
    ThreadPool pool;
    pool.shutdown();
    CHECK(error_of([&] { run_in_executor(pool, [] {}); }) ==
          "RuntimeError('cannot schedule new futures after shutdown')");
  });
}

TEST_CASE("an exception that nobody asks for is reported") {
  std::string told;
  run([&] {
    get_running_loop().set_exception_handler(
        [&](const ExceptionContext& context) { told = context.message; });
    ThreadPool pool;
    {
      const auto future = run_in_executor(pool, [] { throw ValueError("lost"); });
    }
    pool.shutdown();
    settle();
  });
  CHECK(told == "Future exception was never retrieved");
}

TEST_SUITE_END();
