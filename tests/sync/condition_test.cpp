#include <weft/sync/condition.h>

#include <mutex>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../task/checks.h"
#include "tools.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A task that waits to be notified, and logs its name, with the error if there was one.
Task<> waiting(Condition& condition, Log& log, const std::string& name) {
  return create_task([&condition, &log, name] {
    const std::scoped_lock hold(condition);
    const std::string error = error_of([&] { condition.wait(); });
    CHECK(condition.locked());
    log(error == "nothing" ? name : name + " " + error);
  });
}

void notify(Condition& condition, std::size_t count = 1) {
  const std::scoped_lock hold(condition);
  condition.notify(count);
}

}  // namespace

TEST_SUITE_BEGIN("Condition");

TEST_CASE("it can be waited for and notified only with the lock held") {
  testing::run([] {
    Condition condition;
    CHECK(error_of([&] { condition.wait(); }) == "RuntimeError('cannot wait on un-acquired lock')");
    CHECK(error_of([&] { condition.notify(); }) ==
          "RuntimeError('cannot notify on un-acquired lock')");
    CHECK(error_of([&] { condition.notify_all(); }) ==
          "RuntimeError('cannot notify on un-acquired lock')");
    CHECK(error_of([&] { condition.release(); }) == "RuntimeError('Lock is not acquired.')");
  });
}

TEST_CASE("it is locked and unlocked as its lock is") {
  Lock lock;
  Condition condition(lock);
  condition.acquire();
  CHECK(lock.locked());
  CHECK_FALSE(condition.try_lock());
  condition.release();
  CHECK_FALSE(lock.locked());
  CHECK(lock.try_lock());
  CHECK(condition.locked());
  lock.release();
}

TEST_CASE("a wait outside a task is refused before the lock is released") {
  Condition condition;
  Log log;
  condition.acquire();
  EventLoop loop(virtual_time());
  const auto next = [&] {
    const std::scoped_lock hold(condition);
    log("next");
  };
  in_loop(loop, [&] { create_task(next); }, 2);
  CHECK(error_of([&] { condition.wait(); }) ==
        "RuntimeError('a wait outside a task: nothing here can be suspended')");
  CHECK(condition.locked());
  in_loop(loop, [] {}, 2);
  CHECK(log.empty());
  condition.release();
  in_loop(loop, [] {}, 2);
  CHECK(log == Log{"next"});
}

TEST_CASE("the lock is free during the wait, and held again behind it") {
  testing::run([] {
    Condition condition;
    Log log;
    auto task = waiting(condition, log, "a");
    settle();
    CHECK_FALSE(condition.locked());
    {
      const std::scoped_lock hold(condition);
      condition.notify();
      settle();
      CHECK(log.empty());  // a waits for the lock
    }
    settle();
    CHECK(log == Log{"a"});
    CHECK_FALSE(condition.locked());
  });
}

TEST_CASE("releasing the lock for the wait lets the next one have it") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    auto b = create_task([&] {
      const std::scoped_lock hold(condition);
      log("b");
    });
    settle();
    CHECK(log == Log{"b"});
    notify(condition);
    settle();
  });
}

TEST_CASE("notify() wakes so many of those who wait, in their order") {
  testing::run([] {
    Condition condition;
    Log log;
    for (const char* name : {"a", "b", "c", "d"}) waiting(condition, log, name);
    settle();
    notify(condition, 0);
    settle();
    CHECK(log.empty());
    notify(condition);
    settle();
    CHECK(log == Log{"a"});
    notify(condition, 2);
    settle();
    CHECK(log == Log{"a", "b", "c"});
    notify(condition, 9);
    settle();
    CHECK(log == Log{"a", "b", "c", "d"});
    notify(condition);  // nobody waits
  });
}

TEST_CASE("notify_all() wakes those who wait, and nobody who comes later") {
  testing::run([] {
    Condition condition;
    Log log;
    for (const char* name : {"a", "b", "c"}) waiting(condition, log, name);
    settle();
    {
      const std::scoped_lock hold(condition);
      condition.notify_all();
    }
    auto late = waiting(condition, log, "late");
    settle();
    CHECK(log == Log{"a", "b", "c"});
    notify(condition);
    settle();
    CHECK(late.done());
  });
}

TEST_CASE("a notification that nobody waits for is forgotten") {
  testing::run([] {
    Condition condition;
    Log log;
    notify(condition);
    auto a = waiting(condition, log, "a");
    settle();
    CHECK(log.empty());
    notify(condition);
    settle();
    CHECK(a.done());
  });
}

TEST_CASE("two conditions may share a lock, and are notified apart") {
  testing::run([] {
    Lock lock;
    Condition one(lock);
    Condition two(lock);
    Log log;
    auto a = waiting(one, log, "a");
    auto b = waiting(two, log, "b");
    settle();
    notify(two);
    settle();
    CHECK(log == Log{"b"});
    notify(one);
    settle();
    CHECK(log == Log{"b", "a"});
  });
}

TEST_CASE("wait_for() does not suspend if the predicate is true, and returns what it gave") {
  testing::run([] {
    Condition condition;
    const std::scoped_lock hold(condition);
    int result = 0;
    CHECK(turns([&] { result = condition.wait_for([] { return 7; }); }) == 0);
    CHECK(result == 7);
  });
}

TEST_CASE("wait_for() asks again, with the lock held, each time it is notified") {
  testing::run([] {
    Condition condition;
    int value = 0;
    int asked = 0;
    auto task = create_task([&] {
      const std::scoped_lock hold(condition);
      return condition.wait_for([&] {
        ++asked;
        CHECK(condition.locked());
        return value >= 2 ? value : 0;
      });
    });
    settle();
    for (int i = 0; i < 2; ++i) {
      CHECK(asked == i + 1);
      const std::scoped_lock hold(condition);
      ++value;
      condition.notify();
      condition.release();
      settle();
      condition.acquire();
    }
    CHECK(task.result() == 2);
    CHECK(asked == 3);
  });
}

TEST_CASE("what the predicate throws comes out, with the lock held") {
  testing::run([] {
    Condition condition;
    bool broken = false;
    auto task = create_task([&] {
      const std::scoped_lock hold(condition);
      CHECK(error_of([&] {
              condition.wait_for([&] {
                if (broken) throw ValueError("predicate");
                return false;
              });
            }) == "ValueError('predicate')");
      CHECK(condition.locked());
    });
    settle();
    broken = true;
    notify(condition);
    await(task);
    CHECK_FALSE(condition.locked());
  });
}

TEST_CASE("cancelled while it waits, it throws when it holds the lock again") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    settle();
    const std::scoped_lock hold(condition);
    a.cancel("bye");
    sleep(3s);
    CHECK(log.empty());
    condition.release();
    settle();
    CHECK(log == Log{"a CancelledError('bye')"});
    condition.acquire();
  });
}

TEST_CASE("cancelled while it acquires the lock again, it stays until it has it") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    settle();
    const std::scoped_lock hold(condition);
    condition.notify();
    settle();  // a is in line for the lock
    a.cancel("first");
    settle();
    a.cancel("second");
    settle();
    CHECK(log.empty());
    condition.release();
    settle();
    CHECK(log == Log{"a CancelledError('second')"});
    condition.acquire();
  });
}

TEST_CASE("cancelled again while it acquires the lock, it throws the last cancellation") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    settle();
    const std::scoped_lock hold(condition);
    a.cancel("first");
    settle();
    a.cancel("second");
    settle();
    condition.release();
    settle();
    CHECK(log == Log{"a CancelledError('second')"});
    condition.acquire();
  });
}

TEST_CASE("notified, then cancelled: the notification goes to the next in line") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    auto b = waiting(condition, log, "b");
    settle();
    notify(condition);
    a.cancel();
    settle();
    CHECK(log == Log{"a CancelledError()", "b"});
  });
}

TEST_CASE("notified, then cancelled in line for the lock: the notification goes on too") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    auto b = waiting(condition, log, "b");
    settle();
    {
      const std::scoped_lock hold(condition);
      condition.notify();
      settle();
      a.cancel();
      settle();
    }
    settle();
    CHECK(log == Log{"a CancelledError()", "b"});
  });
}

TEST_CASE("cancelled without a notification, a task passes none on") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    auto b = waiting(condition, log, "b");
    settle();
    a.cancel();
    settle();
    CHECK(log == Log{"a CancelledError()"});
    notify(condition);
    settle();
    CHECK(b.done());
  });
}

TEST_CASE("notified with all others, then cancelled: nobody who came later is woken for it") {
  testing::run([] {
    Condition condition;
    Log log;
    auto a = waiting(condition, log, "a");
    settle();
    condition.acquire();
    condition.notify_all();
    settle();  // a is in line for the lock
    auto late = waiting(condition, log, "late");
    settle();
    a.cancel();
    settle();  // a is in line again, behind the late one
    condition.release();
    settle();
    CHECK(log == Log{"a CancelledError()"});
    notify(condition);
    settle();
    CHECK(log == Log{"a CancelledError()", "late"});
  });
}

TEST_CASE("a coroutine that is closed while another task holds the lock leaves without it") {
  testing::run([] {
    Condition condition;
    Coroutine<> coroutine([&] {
      const std::scoped_lock hold(condition);
      condition.wait();
    });
    coroutine.send();
    condition.acquire();
    coroutine.close();
    CHECK(condition.locked());  // still this task's
    condition.release();
    CHECK_FALSE(condition.locked());
    CHECK(error_of([&] { condition.release(); }) == "RuntimeError('Lock is not acquired.')");
  });
}

TEST_CASE("a coroutine that is closed while the lock is free takes and releases it") {
  testing::run([] {
    Condition condition;
    Coroutine<> coroutine([&] {
      const std::scoped_lock hold(condition);
      condition.wait();
    });
    coroutine.send();
    coroutine.close();
    CHECK_FALSE(condition.locked());
    CHECK(condition.try_lock());
    condition.release();
  });
}

TEST_CASE("a loop that is closed over the holder and one that waits ends both") {
  Condition condition;
  Log log;
  EventLoop loop(virtual_time());
  const Told told(loop);
  in_loop(
      loop,
      [&] {
        waiting(condition, log, "waits");
        create_task([&] {
          const std::scoped_lock hold(condition);
          log(error_of([] { sleep(1h); }));
        });
      },
      3);
  loop.close();
  CHECK(log == Log{"waits GeneratorExit()", "GeneratorExit()"});
  CHECK_FALSE(condition.locked());
}

TEST_SUITE_END();
