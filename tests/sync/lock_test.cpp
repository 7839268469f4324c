#include <weft/sync/lock.h>

#include <mutex>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../task/checks.h"
#include "tools.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A task that logs its name as soon as it has the lock, and releases it at once.
Task<> passing(Lock& lock, Log& log, const char* name) {
  return create_task([&lock, &log, name] {
    lock.acquire();
    log(name);
    lock.release();
  });
}

}  // namespace

TEST_SUITE_BEGIN("Lock");

TEST_CASE("a free lock is acquired without a wait, and needs no task for that") {
  Lock lock;
  CHECK_FALSE(lock.locked());
  lock.acquire();
  CHECK(lock.locked());
  lock.release();
  CHECK_FALSE(lock.locked());
}

TEST_CASE("a lock that is not held cannot be released") {
  Lock lock;
  CHECK(error_of([&] { lock.release(); }) == "RuntimeError('Lock is not acquired.')");
  lock.acquire();
  lock.release();
  CHECK(error_of([&] { lock.release(); }) == "RuntimeError('Lock is not acquired.')");
}

TEST_CASE("one task at a time holds the lock, in the order of arrival") {
  testing::run([] {
    Lock lock;
    Log log;
    const auto body = [&](const std::string& name) {
      return create_task([&log, &lock, name] {
        lock.acquire();
        log(name + " in");
        sleep(2s);
        log(name + " out");
        lock.release();
      });
    };
    auto a = body("a");
    auto b = body("b");
    auto c = body("c");
    await(c);
    CHECK(log == Log{"a in", "a out", "b in", "b out", "c in", "c out"});
    CHECK(now() == TimePoint(6s));
  });
}

TEST_CASE("the guards of the standard library hold it, and let go when an exception passes") {
  testing::run([] {
    Lock a;
    Lock b;
    {
      const std::scoped_lock both(a, b);
      CHECK(a.locked());
      CHECK(b.locked());
    }
    CHECK_FALSE(a.locked());
    CHECK_FALSE(b.locked());
    CHECK_THROWS_AS(
        [&] {
          const std::lock_guard hold(a);
          throw ValueError("body");
        }(),
        ValueError);
    CHECK_FALSE(a.locked());
    std::unique_lock later(a, std::defer_lock);
    CHECK_FALSE(a.locked());
    CHECK(later.try_lock());
    CHECK_FALSE(std::unique_lock(a, std::try_to_lock).owns_lock());
    later.unlock();
    CHECK_FALSE(a.locked());
  });
}

TEST_CASE("std::scoped_lock waits for the one that is held, and takes both without a deadlock") {
  testing::run([] {
    Lock a;
    Lock b;
    Log log;
    const auto body = [&](Lock& first, Lock& second, const char* name) {
      return create_task([&, name] {
        const std::scoped_lock both(first, second);
        log(name);
        sleep(1s);
      });
    };
    b.acquire();
    auto forth = body(a, b, "forth");
    auto back = body(b, a, "back");
    settle();
    CHECK(log.empty());
    b.release();
    await(forth);
    await(back);
    CHECK(now() == TimePoint(2s));
  });
}

TEST_CASE("after a release the lock is free, but not for those who come later") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    auto waits = passing(lock, log, "waiter");
    settle();
    lock.release();
    CHECK_FALSE(lock.locked());
    CHECK_FALSE(lock.try_lock());
    lock.acquire();
    log("newcomer");
    lock.release();
    CHECK(log == Log{"waiter", "newcomer"});
  });
}

TEST_CASE("a task that releases and acquires again gets behind those who wait") {
  testing::run([] {
    Lock lock;
    Log log;
    const auto body = [&](const char* name) {
      return create_task([&, name] {
        for (int i = 0; i < 2; ++i) {
          const std::scoped_lock hold(lock);
          log(name);
          yield_now();
        }
      });
    };
    auto a = body("a");
    auto b = body("b");
    await(a);
    await(b);
    CHECK(log == Log{"a", "b", "a", "b"});
  });
}

TEST_CASE("a lock for which only cancelled tasks are in line can be taken") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    auto gone = passing(lock, log, "gone");
    settle();
    gone.cancel();
    lock.release();
    CHECK(lock.try_lock());  // gone has yet to find out
    settle();
    CHECK(gone.cancelled());
    CHECK(lock.locked());
    lock.release();
  });
}

TEST_CASE("woken, then cancelled: the lock goes to the next in line") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    auto a = passing(lock, log, "a");
    auto b = passing(lock, log, "b");
    settle();
    lock.release();
    a.cancel();
    CHECK(turns_until_done(b) == 2);  // one for a to pass it on, one for b
    CHECK(a.cancelled());
    CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("cancelled, then the lock is released: the next in line gets it from the cancelled one") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    auto a = passing(lock, log, "a");
    auto b = passing(lock, log, "b");
    settle();
    a.cancel();
    lock.release();
    CHECK(turns_until_done(b) == 2);
    CHECK(log == Log{"b"});
  });
}

TEST_CASE("a release wakes the first in line without a detour") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    auto a = passing(lock, log, "a");
    settle();
    lock.release();
    CHECK(turns_until_done(a) == 1);
  });
}

TEST_CASE("a task that is cancelled in line does not let the next one in while the lock is held") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    auto a = passing(lock, log, "a");
    auto b = passing(lock, log, "b");
    settle();
    a.cancel();
    settle();
    CHECK(log.empty());
    lock.release();
    settle();
    CHECK(log == Log{"b"});
  });
}

TEST_CASE("a cancelled waiter that finds the lock taken again wakes nobody") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    auto a = passing(lock, log, "a");
    settle();
    lock.release();  // a is woken
    a.cancel();
    auto b = passing(lock, log, "b");
    auto c = passing(lock, log, "c");
    settle();
    CHECK(log == Log{"b", "c"});
    CHECK_FALSE(lock.locked());
  });
}

TEST_CASE("a whole line that is cancelled leaves the lock free") {
  testing::run([] {
    Lock lock;
    Log log;
    lock.acquire();
    Task<> line[]{passing(lock, log, "a"), passing(lock, log, "b"), passing(lock, log, "c")};
    settle();
    lock.release();
    for (const Task<>& task : line) task.cancel();
    settle();
    CHECK(log.empty());
    CHECK(lock.try_lock());
    lock.release();
  });
}

TEST_SUITE_END();
