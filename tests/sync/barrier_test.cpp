#include <weft/sync/barrier.h>

#include <string>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../task/checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A task that waits at the barrier, and logs its name with the index or the error.
Task<> waiting(Barrier& barrier, Log& log, const std::string& name) {
  return create_task([&barrier, &log, name] {
    std::size_t index = 0;
    const std::string error = error_of([&] { index = barrier.wait(); });
    log(name + " " + (error == "nothing" ? std::to_string(index) : error));
  });
}

const std::string kSentAway = "BrokenBarrierError('Abort or reset of barrier')";
const std::string kRefused = "BrokenBarrierError('Barrier aborted')";

}  // namespace

TEST_SUITE_BEGIN("Barrier");

TEST_CASE("a barrier for nobody is refused") {
  for (const int parties : {0, -1})
    CHECK(error_of([&] { Barrier barrier(parties); }) == "ValueError('parties must be > 0')");
}

TEST_CASE("all pass when the last has come, each with its place") {
  testing::run([] {
    Barrier barrier(3);
    Log log;
    CHECK(barrier.parties() == 3);
    CHECK(barrier.n_waiting() == 0);
    auto a = waiting(barrier, log, "a");
    auto b = waiting(barrier, log, "b");
    settle();
    CHECK(barrier.n_waiting() == 2);
    CHECK(log.empty());
    CHECK(turns([&] { CHECK(barrier.wait() == 2); }) == 0);
    CHECK(log.empty());
    settle();
    CHECK(log == Log{"a 0", "b 1"});
  });
}

TEST_CASE("a barrier for one holds nobody, and needs no task") {
  Barrier barrier(1);
  CHECK(barrier.wait() == 0);
  CHECK(barrier.wait() == 0);
}

TEST_CASE("it serves again and again") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    const auto body = [&](const std::string& name) {
      return create_task([&log, &barrier, name] {
        for (int round = 0; round < 3; ++round)
          log(name + std::to_string(round) + " " + std::to_string(barrier.wait()));
      });
    };
    auto a = body("a");
    auto b = body("b");
    await(a);
    await(b);
    CHECK(log == Log{"b0 1", "a0 0", "b1 1", "a1 0", "b2 1", "a2 0"});
  });
}

TEST_CASE("who comes before all have passed waits for that, and then for the others") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    barrier.wait();
    CHECK(barrier.n_waiting() == 0);  // a has yet to pass
    auto b = create_task([&] {
      sleep(1s);
      log("b " + std::to_string(barrier.wait()));
    });
    CHECK(turns([&] { CHECK(barrier.wait() == 0); }) == 2);  // until a has passed, and b has come
    CHECK(log == Log{"a 0", "b 1"});
  });
}

TEST_CASE("more tasks than parties: the rest waits for the next round") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    Task<> tasks[]{waiting(barrier, log, "a"), waiting(barrier, log, "b"),
                   waiting(barrier, log, "c")};
    settle();
    CHECK(log == Log{"b 1", "a 0"});
    CHECK(barrier.n_waiting() == 1);
    CHECK(barrier.wait() == 1);
    settle();
    CHECK(tasks[2].done());
  });
}

TEST_CASE("abort() sends away those who wait and those who come") {
  testing::run([] {
    Barrier barrier(3);
    Log log;
    auto a = waiting(barrier, log, "a");
    auto b = waiting(barrier, log, "b");
    settle();
    CHECK_FALSE(barrier.broken());
    barrier.abort();
    CHECK(barrier.broken());
    CHECK(barrier.n_waiting() == 0);
    CHECK(error_of([&] { barrier.wait(); }) == kRefused);
    settle();
    CHECK(log == Log{"a " + kSentAway, "b " + kSentAway});
    CHECK(barrier.broken());
    CHECK(error_of([&] { barrier.wait(); }) == kRefused);
  });
}

TEST_CASE("a broken barrier is an error of the program's state, as in Python") {
  Barrier barrier(2);
  barrier.abort();
  CHECK_THROWS_AS(barrier.wait(), RuntimeError);
}

TEST_CASE("abort() while tasks are about to pass sends them away") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    CHECK(barrier.wait() == 1);
    barrier.abort();
    settle();
    CHECK(log == Log{"a " + kSentAway});
    CHECK(barrier.broken());
  });
}

TEST_CASE("reset() sends away those who wait, and serves those who come") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    barrier.reset();
    CHECK_FALSE(barrier.broken());
    auto b = waiting(barrier, log, "b");
    auto c = waiting(barrier, log, "c");
    settle();
    CHECK(log == Log{"a " + kSentAway, "c 1", "b 0"});
  });
}

TEST_CASE("who comes before all have been sent away waits for that") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    barrier.reset();
    auto b = create_task([&] {
      sleep(1s);
      log("b " + std::to_string(barrier.wait()));
    });
    CHECK(turns([&] { CHECK(barrier.wait() == 0); }) == 2);  // until a has gone, and b has come
    CHECK(log == Log{"a " + kSentAway, "b 1"});
  });
}

TEST_CASE("reset() while tasks are about to pass sends them away") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    CHECK(barrier.wait() == 1);
    barrier.reset();
    settle();
    CHECK(log == Log{"a " + kSentAway});
    auto b = waiting(barrier, log, "b");
    settle();
    CHECK(barrier.n_waiting() == 1);
    CHECK(barrier.wait() == 1);
    settle();
  });
}

TEST_CASE("reset() mends a broken barrier, and does nothing to one at which nobody waits") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    barrier.reset();
    barrier.abort();
    barrier.reset();
    CHECK_FALSE(barrier.broken());
    auto a = waiting(barrier, log, "a");
    settle();
    CHECK(barrier.wait() == 1);
    settle();
    CHECK(log == Log{"a 0"});
  });
}

TEST_CASE("reset() of a broken barrier while tasks are being sent away sends them away still") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    barrier.abort();
    barrier.reset();
    CHECK_FALSE(barrier.broken());
    settle();
    CHECK(log == Log{"a " + kSentAway});
  });
}

TEST_CASE("a task that is cancelled does not count any more") {
  testing::run([] {
    Barrier barrier(3);
    Log log;
    auto a = waiting(barrier, log, "a");
    auto b = waiting(barrier, log, "b");
    settle();
    a.cancel("bye");
    settle();
    CHECK(log == Log{"a CancelledError('bye')"});
    CHECK(barrier.n_waiting() == 1);
    auto c = waiting(barrier, log, "c");
    settle();
    CHECK(barrier.wait() == 2);
    settle();
    CHECK(log == Log{"a CancelledError('bye')", "b 1", "c 1"});  // as in asyncio
  });
}

TEST_CASE("a task that is cancelled as it is about to pass does not hold up the next round") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    barrier.wait();
    a.cancel();
    auto b = waiting(barrier, log, "b");
    settle();
    CHECK(log == Log{"a CancelledError()"});
    CHECK(barrier.n_waiting() == 1);
    barrier.wait();
    settle();
  });
}

TEST_CASE("a task that is cancelled while the round before it drains leaves no trace") {
  testing::run([] {
    Barrier barrier(2);
    Log log;
    auto a = waiting(barrier, log, "a");
    settle();
    auto b = create_task([&] {
      barrier.wait();
      error_of([&] { barrier.wait(); });  // a has yet to pass
    });
    yield_now();
    b.cancel();
    settle();
    CHECK(log == Log{"a 0"});
    CHECK(barrier.n_waiting() == 0);
  });
}

TEST_SUITE_END();
