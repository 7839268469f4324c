#include <weft/sync/semaphore.h>

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

/// A task that takes a permit, logs its name, and keeps the permit.
Task<> taking(Semaphore& semaphore, Log& log, const char* name) {
  return create_task([&semaphore, &log, name] {
    semaphore.acquire();
    log(name);
  });
}

/// How many permits can be taken at once; takes them.
int drain(Semaphore& semaphore) {
  int count = 0;
  while (semaphore.try_acquire()) ++count;
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("Semaphore");

TEST_CASE("as many permits as it begins with can be taken without a wait") {
  Semaphore semaphore(2);
  CHECK_FALSE(semaphore.locked());
  semaphore.acquire();
  CHECK_FALSE(semaphore.locked());
  semaphore.acquire();
  CHECK(semaphore.locked());
  CHECK_FALSE(semaphore.try_acquire());
  CHECK(drain(*std::make_unique<Semaphore>()) == 1);
  CHECK(drain(*std::make_unique<Semaphore>(0)) == 0);
}

TEST_CASE("a negative number of permits is refused") {
  const char* const text = "ValueError('Semaphore initial value must be >= 0')";
  CHECK(error_of([] { Semaphore semaphore(-1); }) == text);
  CHECK(error_of([] { BoundedSemaphore semaphore(-1); }) == text);
}

TEST_CASE("a semaphore may be given more permits than it had, a bounded one may not") {
  Semaphore semaphore(1);
  semaphore.release();
  CHECK(drain(semaphore) == 2);
  BoundedSemaphore bounded(1);
  CHECK(error_of([&] { bounded.release(); }) ==
        "ValueError('BoundedSemaphore released too many times')");
  bounded.acquire();
  bounded.release();
  CHECK(error_of([&] { bounded.release(); }) ==
        "ValueError('BoundedSemaphore released too many times')");
  CHECK(drain(bounded) == 1);
}

TEST_CASE("a bounded semaphore stays bounded where it is passed as a semaphore") {
  BoundedSemaphore bounded(1);
  Semaphore& semaphore = bounded;
  CHECK_THROWS_AS(semaphore.release(), ValueError);
}

TEST_CASE("the guards of the standard library hold a permit") {
  testing::run([] {
    BoundedSemaphore semaphore(2);
    {
      const std::scoped_lock hold(semaphore);
      std::unique_lock another(semaphore);
      CHECK(semaphore.locked());
      CHECK_FALSE(std::unique_lock(semaphore, std::try_to_lock).owns_lock());
    }
    CHECK(drain(semaphore) == 2);
  });
}

TEST_CASE("permits go to those who wait, in their order, and nobody overtakes them") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    auto b = taking(semaphore, log, "b");
    settle();
    semaphore.release();
    CHECK(semaphore.locked());
    CHECK_FALSE(semaphore.try_acquire());  // it is a's
    auto c = taking(semaphore, log, "c");
    settle();
    CHECK(log == Log{"a"});
    semaphore.release();
    semaphore.release();
    settle();
    CHECK(log == Log{"a", "b", "c"});
    CHECK(drain(semaphore) == 0);
  });
}

TEST_CASE("so many tasks at a time hold a permit") {
  testing::run([] {
    Semaphore semaphore(2);
    int holding = 0;
    int most = 0;
    for (int i = 0; i < 6; ++i)
      create_task([&] {
        const std::scoped_lock hold(semaphore);
        most = std::max(most, ++holding);
        sleep(1s);
        --holding;
      });
    sleep(10s);
    CHECK(most == 2);
    CHECK(holding == 0);
    CHECK(drain(semaphore) == 2);
  });
}

TEST_CASE("two releases in a turn wake two") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    auto b = taking(semaphore, log, "b");
    settle();
    semaphore.release();
    semaphore.release();
    CHECK(turns_until_done(b) == 1);
    CHECK(log == Log{"a", "b"});
  });
}

TEST_CASE("who comes while one that was woken has yet to go on waits, though a permit is there") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    settle();
    semaphore.release();
    semaphore.release();
    CHECK(semaphore.locked());
    CHECK(turns([&] { semaphore.acquire(); }) == 1);  // a goes on first, and wakes this one
    CHECK(log == Log{"a"});
    CHECK(drain(semaphore) == 0);
  });
}

TEST_CASE("woken, then cancelled: the permit goes to the next in line") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    auto b = taking(semaphore, log, "b");
    settle();
    semaphore.release();
    a.cancel();
    settle();
    CHECK(a.cancelled());
    CHECK(log == Log{"b"});
    CHECK(drain(semaphore) == 0);
  });
}

TEST_CASE("woken, then cancelled, with nobody behind: the permit is back") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    settle();
    semaphore.release();
    a.cancel();
    settle();
    CHECK(drain(semaphore) == 1);
  });
}

TEST_CASE("cancelled, then a permit comes: it is the next one's at once") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    auto b = taking(semaphore, log, "b");
    settle();
    a.cancel();
    semaphore.release();
    CHECK(turns_until_done(b) == 1);
    CHECK(a.cancelled());
    CHECK(drain(semaphore) == 0);
  });
}

TEST_CASE("a task that is cancelled in line takes no permit with it") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    settle();
    a.cancel();
    settle();
    CHECK(drain(semaphore) == 0);
    semaphore.release();
    CHECK(drain(semaphore) == 1);
  });
}

TEST_CASE("cancelled tasks in line are nobody's obstacle") {
  testing::run([] {
    Semaphore semaphore(0);
    Log log;
    auto a = taking(semaphore, log, "a");
    settle();
    a.cancel();
    semaphore.release();
    CHECK_FALSE(semaphore.locked());  // a has yet to find out
    CHECK(semaphore.try_acquire());
    settle();
    CHECK(drain(semaphore) == 0);
  });
}

TEST_SUITE_END();
