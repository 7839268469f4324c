#include <weft/sync/queue.h>

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../task/checks.h"
#include "tools.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A task that gets one item, and logs it behind its name.
Task<> getting(Queue<int>& queue, Log& log, const std::string& name) {
  return create_task([&queue, &log, name] { log(name + std::to_string(queue.get())); });
}

/// A task that puts one item, and logs its name when it has.
Task<> putting(Queue<int>& queue, Log& log, const std::string& name, int item) {
  return create_task([&queue, &log, name, item] {
    queue.put(item);
    log(name);
  });
}

}  // namespace

TEST_SUITE_BEGIN("Queue");

TEST_CASE("items come out in the order in which they were put, without a wait, without a task") {
  Queue<std::string> queue;
  CHECK(queue.empty());
  queue.put("a");
  const std::string b = "b";
  queue.put(b);
  queue.put_nowait("c");
  queue.put_nowait(b);
  CHECK(queue.qsize() == 4);
  CHECK_FALSE(queue.empty());
  CHECK(queue.get() == "a");
  CHECK(queue.get_nowait() == "b");
  CHECK(queue.get() == "c");
  CHECK(queue.get() == "b");
  CHECK(queue.empty());
}

TEST_CASE("get_nowait() of an empty queue and put_nowait() of a full one are errors") {
  Queue<int> queue(1);
  CHECK(error_of([&] { queue.get_nowait(); }) == "QueueEmpty()");
  CHECK_FALSE(queue.full());
  queue.put_nowait(1);
  CHECK(queue.full());
  CHECK(error_of([&] { queue.put_nowait(2); }) == "QueueFull()");
  CHECK(queue.get_nowait() == 1);
  CHECK(queue.empty());
}

TEST_CASE("a queue whose limit is 0 or less is never full") {
  for (const int maxsize : {0, -1}) {
    Queue<int> queue(maxsize);
    for (int i = 0; i < 100; ++i) queue.put_nowait(i);
    CHECK_FALSE(queue.full());
    CHECK(queue.maxsize() == maxsize);
    CHECK(queue.qsize() == 100);
  }
}

TEST_CASE("those who wait to get are served in their order") {
  testing::run([] {
    Queue<int> queue;
    Log log;
    auto a = getting(queue, log, "a");
    auto b = getting(queue, log, "b");
    settle();
    queue.put_nowait(1);
    queue.put_nowait(2);
    CHECK(queue.qsize() == 2);
    settle();
    CHECK(log == Log{"a1", "b2"});
  });
}

TEST_CASE("those who wait to put are served in their order, and in time") {
  testing::run([] {
    Queue<int> queue(1);
    Log log;
    queue.put_nowait(0);
    auto a = putting(queue, log, "a", 1);
    auto b = putting(queue, log, "b", 2);
    settle();
    CHECK(queue.get_nowait() == 0);
    settle();
    CHECK(log == Log{"a"});
    CHECK(queue.get_nowait() == 1);
    settle();
    CHECK(log == Log{"a", "b"});
    CHECK(queue.get_nowait() == 2);
  });
}

TEST_CASE("who was woken may find that another was faster, and waits again, behind the others") {
  testing::run([] {
    Queue<int> queue;
    Log log;
    auto a = getting(queue, log, "a");
    auto b = getting(queue, log, "b");
    settle();
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1);  // faster than a, which was woken
    settle();
    CHECK(log.empty());
    queue.put_nowait(2);
    queue.put_nowait(3);
    settle();
    CHECK(log == Log{"b2", "a3"});
  });
}

TEST_CASE("a putter that was woken may find that another was faster") {
  testing::run([] {
    Queue<int> queue(1);
    Log log;
    queue.put_nowait(0);
    auto a = putting(queue, log, "a", 1);
    settle();
    CHECK(queue.get_nowait() == 0);
    queue.put_nowait(5);
    settle();
    CHECK(log.empty());
    CHECK(queue.get_nowait() == 5);
    settle();
    CHECK(log == Log{"a"});
    CHECK(queue.get_nowait() == 1);
  });
}

TEST_CASE("a getter that is woken, then cancelled, leaves the item to the next in line") {
  testing::run([] {
    Queue<int> queue;
    Log log;
    auto a = getting(queue, log, "a");
    auto b = getting(queue, log, "b");
    settle();
    queue.put_nowait(1);
    a.cancel();
    CHECK(turns_until_done(b) == 2);
    CHECK(a.cancelled());
    CHECK(log == Log{"b1"});
  });
}

TEST_CASE("a getter that is woken, then cancelled, wakes nobody if the item is gone") {
  testing::run([] {
    Queue<int> queue;
    Log log;
    auto a = getting(queue, log, "a");
    auto b = getting(queue, log, "b");
    auto c = getting(queue, log, "c");
    settle();
    queue.put_nowait(1);
    a.cancel();
    CHECK(queue.get_nowait() == 1);
    settle();
    queue.put_nowait(2);
    queue.put_nowait(3);
    settle();
    CHECK(log == Log{"b2", "c3"});  // b has not lost its place
  });
}

TEST_CASE("a putter that is woken, then cancelled, leaves the room to the next in line") {
  testing::run([] {
    Queue<int> queue(1);
    Log log;
    queue.put_nowait(0);
    auto a = putting(queue, log, "a", 1);
    auto b = putting(queue, log, "b", 2);
    settle();
    queue.get_nowait();
    a.cancel();
    CHECK(turns_until_done(b) == 2);
    CHECK(a.cancelled());
    CHECK(queue.get_nowait() == 2);
  });
}

TEST_CASE("a putter that is woken, then cancelled, wakes nobody if the room is gone") {
  testing::run([] {
    Queue<int> queue(1);
    Log log;
    queue.put_nowait(0);
    auto a = putting(queue, log, "a", 1);
    auto b = putting(queue, log, "b", 2);
    auto c = putting(queue, log, "c", 3);
    settle();
    queue.get_nowait();
    a.cancel();
    queue.put_nowait(5);
    settle();
    for (const int item : {5, 2, 3}) {
      CHECK(queue.get_nowait() == item);  // b has not lost its place
      settle();
    }
    CHECK(log == Log{"b", "c"});
  });
}

TEST_CASE("a getter that is cancelled in line takes no item and costs nobody a wake-up") {
  testing::run([] {
    Queue<int> queue;
    Log log;
    auto a = getting(queue, log, "a");
    auto b = getting(queue, log, "b");
    settle();
    a.cancel();
    queue.put_nowait(1);
    CHECK(turns_until_done(b) == 1);
    CHECK(log == Log{"b1"});
  });
}

TEST_CASE("items that can only be moved are moved, and stay where they are until they are put") {
  testing::run([] {
    Queue<std::unique_ptr<int>> queue(1);
    auto item = std::make_unique<int>(1);
    queue.put(std::move(item));
    CHECK_FALSE(item);
    item = std::make_unique<int>(2);
    CHECK_THROWS_AS(queue.put_nowait(std::move(item)), QueueFull);
    REQUIRE(item);
    auto task = create_task([&] { queue.put(std::move(item)); });
    settle();
    task.cancel();
    settle();
    REQUIRE(item);
    CHECK(*item == 2);
    CHECK(*queue.get() == 1);
    queue.put_nowait(std::move(item));
    CHECK(*queue.get_nowait() == 2);
  });
}

TEST_CASE("join() waits until each item that was put is done") {
  testing::run([] {
    Queue<int> queue;
    CHECK(turns([&] { queue.join(); }) == 0);
    queue.put_nowait(1);
    queue.put_nowait(2);
    Log log;
    auto joins = create_task([&] {
      queue.join();
      log("joined");
    });
    settle();
    queue.get_nowait();
    queue.get_nowait();
    settle();
    CHECK(log.empty());  // got is not done
    queue.task_done();
    settle();
    CHECK(log.empty());
    queue.task_done();
    settle();
    CHECK(log == Log{"joined"});
    CHECK(joins.done());
  });
}

TEST_CASE("join() can be waited for again when more has been put") {
  testing::run([] {
    Queue<int> queue;
    for (int round = 0; round < 2; ++round) {
      queue.put_nowait(round);
      auto joins = create_task([&] { queue.join(); });
      settle();
      CHECK_FALSE(joins.done());
      queue.get_nowait();
      queue.task_done();
      settle();
      CHECK(joins.done());
    }
  });
}

TEST_CASE("more items cannot be done than were put") {
  Queue<int> queue;
  const std::string text = "ValueError('task_done() called too many times')";
  CHECK(error_of([&] { queue.task_done(); }) == text);
  queue.put_nowait(1);
  queue.task_done();
  CHECK(error_of([&] { queue.task_done(); }) == text);
}

TEST_CASE("a producer and two consumers pass on every item, once, in order") {
  testing::run([] {
    Queue<int> queue(2);
    std::vector<int> seen;
    const auto consume = [&] {
      for (;;) {
        seen.push_back(queue.get());
        sleep(1s);
        queue.task_done();
      }
    };
    const Task<> consumers[]{create_task(consume), create_task(consume)};
    for (int i = 0; i < 10; ++i) queue.put(i);
    queue.join();
    CHECK(seen == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(now() == TimePoint(5s));
    for (const Task<>& consumer : consumers) consumer.cancel();
    settle();
  });
}

TEST_SUITE_END();
