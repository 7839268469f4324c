// The order of items, items that throw, and the end of a queue.
#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <weft/sync/queue.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../task/checks.h"
#include "tools.h"

using namespace weft;
using testing::Log, testing::settle;

namespace {

template <class T>
std::vector<T> drained(Queue<T>& queue) {
  std::vector<T> items;
  while (!queue.empty()) items.push_back(queue.get_nowait());
  return items;
}

/// Throws when it is moved into or out of a queue, as `fail` says.
struct Fragile {
  int value = 0;
  static inline bool fail = false;

  explicit Fragile(int v) : value(v) {}
  Fragile(Fragile&& other) : value(other.value) {
    if (fail) throw ValueError("fragile");
  }
  Fragile& operator=(Fragile&&) = default;
};

/// The greatest first, by a search: an order of the user's own.
class GreatestFirst : public Queue<int> {
 public:
  using Queue::Queue;

 protected:
  std::size_t stored() const noexcept override { return items_.size(); }
  void store(int&& item) override { items_.push_back(item); }
  int fetch() override {
    const auto greatest = std::max_element(items_.begin(), items_.end());
    const int item = *greatest;
    items_.erase(greatest);
    return item;
  }

 private:
  std::vector<int> items_;
};

}  // namespace

TEST_SUITE_BEGIN("kinds of queues");

TEST_CASE("a LifoQueue gives the last item first") {
  LifoQueue<int> queue;
  for (const int item : {1, 2, 3}) queue.put_nowait(item);
  CHECK(queue.get_nowait() == 3);
  queue.put_nowait(4);
  CHECK(drained(queue) == std::vector{4, 2, 1});
}

TEST_CASE("a PriorityQueue gives the least item first") {
  PriorityQueue<int> queue;
  for (const int item : {5, 1, 4, 1, 3}) queue.put_nowait(item);
  CHECK(queue.qsize() == 5);
  CHECK(queue.get_nowait() == 1);
  queue.put_nowait(2);
  CHECK(drained(queue) == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("a PriorityQueue may be given an order") {
  PriorityQueue<int, std::greater<>> queue;
  for (const int item : {5, 1, 4}) queue.put_nowait(item);
  CHECK(drained(queue) == std::vector{5, 4, 1});
}

TEST_CASE("equal items of a PriorityQueue come out in the order in which they were put") {
  using Job = std::pair<int, int>;
  struct ByPriority {
    bool operator()(const Job& a, const Job& b) const { return a.first < b.first; }
  };
  PriorityQueue<Job, ByPriority> queue;
  std::vector<Job> expected;
  for (int priority = 0; priority < 3; ++priority)
    for (int i = 0; i < 10; ++i) expected.emplace_back(priority, i);
  for (int i = 0; i < 10; ++i)
    for (const int priority : {1, 2, 0}) queue.put_nowait({priority, i});
  CHECK(drained(queue) == expected);
}

TEST_CASE("all kinds take items that can only be moved") {
  using Item = std::unique_ptr<int>;
  struct ByValue {
    bool operator()(const Item& a, const Item& b) const { return *a < *b; }
  };
  LifoQueue<Item> last;
  PriorityQueue<Item, ByValue> least;
  for (const int value : {2, 1, 3}) {
    last.put_nowait(std::make_unique<int>(value));
    least.put_nowait(std::make_unique<int>(value));
  }
  for (const int value : {3, 1, 2}) CHECK(*last.get_nowait() == value);
  for (const int value : {1, 2, 3}) CHECK(*least.get_nowait() == value);
}

TEST_CASE("all kinds can be waited at, full and empty, and are passed as a Queue") {
  testing::run([] {
    LifoQueue<int> last(1);
    PriorityQueue<int> least(1);
    GreatestFirst greatest(1);
    for (Queue<int>* queue : std::initializer_list<Queue<int>*>{&last, &least, &greatest}) {
      auto consumer = create_task([&] {
        const int first = queue->get();
        return first * 10 + queue->get();
      });
      settle();
      queue->put(1);
      queue->put(2);
      CHECK(await(consumer) == 12);
    }
  });
}

TEST_CASE("a derived queue may have an order of its own") {
  GreatestFirst queue;
  for (const int item : {2, 9, 4}) queue.put_nowait(item);
  CHECK(queue.qsize() == 3);
  CHECK(drained(queue) == std::vector{9, 4, 2});
}

TEST_CASE("an item that throws as it is put is not there, and the room goes to the next in line") {
  testing::run([] {
    Queue<Fragile> queue(1);
    queue.put_nowait(Fragile(0));
    Log log;
    auto a = create_task([&] {
      log(error_of([&] { queue.put(Fragile(1)); }));
      Fragile::fail = false;
    });
    auto b = create_task([&] {
      queue.put(Fragile(2));
      log("b");
    });
    settle();
    queue.get_nowait();
    Fragile::fail = true;
    settle();
    CHECK(log == Log{"ValueError('fragile')", "b"});
    CHECK(queue.get_nowait().value == 2);
    queue.task_done();
    queue.task_done();
    CHECK_THROWS_AS(queue.task_done(), ValueError);
  });
}

TEST_CASE("an item that throws as it is got stays, and the next in line is woken for it") {
  testing::run([] {
    Queue<Fragile> queue;
    Log log;
    auto a = create_task([&] {
      log(error_of([&] { queue.get(); }));
      Fragile::fail = false;
    });
    auto b = create_task([&] { log("b" + std::to_string(queue.get().value)); });
    settle();
    queue.put_nowait(Fragile(1));
    Fragile::fail = true;
    settle();
    CHECK(log == Log{"ValueError('fragile')", "b1"});
  });
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("Queue.shutdown");

TEST_CASE("nothing can be put into a queue that was shut down, and what is there can be got") {
  testing::run([] {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    queue.shutdown();
    CHECK(error_of([&] { queue.put_nowait(3); }) == "QueueShutDown()");
    CHECK(error_of([&] { queue.put(3); }) == "QueueShutDown()");
    CHECK(queue.get() == 1);
    CHECK(queue.get_nowait() == 2);
    CHECK(error_of([&] { queue.get(); }) == "QueueShutDown()");
    CHECK(error_of([&] { queue.get_nowait(); }) == "QueueShutDown()");
  });
}

TEST_CASE("a full queue that is shut down says so rather than that it is full") {
  testing::run([] {
    Queue<int> queue(1);
    queue.put_nowait(1);
    queue.shutdown();
    CHECK(error_of([&] { queue.put_nowait(2); }) == "QueueShutDown()");
    CHECK(error_of([&] { queue.put(2); }) == "QueueShutDown()");
  });
}

TEST_CASE("those who wait to get are sent away") {
  testing::run([] {
    Queue<int> queue;
    Log log;
    for (int i = 0; i < 2; ++i) create_task([&] { log(error_of([&] { queue.get(); })); });
    settle();
    queue.shutdown();
    settle();
    CHECK(log == Log{"QueueShutDown()", "QueueShutDown()"});
  });
}

TEST_CASE("those who wait to put are sent away, even if there is room by then") {
  testing::run([] {
    Queue<int> queue(1);
    Log log;
    queue.put_nowait(0);
    for (int i = 1; i < 3; ++i) create_task([&] { log(error_of([&] { queue.put(1); })); });
    settle();
    queue.shutdown();
    CHECK(queue.get_nowait() == 0);
    settle();
    CHECK(log == Log{"QueueShutDown()", "QueueShutDown()"});
    CHECK(queue.empty());
  });
}

TEST_CASE("a getter that was woken for an item gets it, though the queue was shut down since") {
  testing::run([] {
    Queue<int> queue;
    auto task = create_task([&] { return queue.get(); });
    settle();
    queue.put_nowait(1);
    queue.shutdown();
    CHECK(await(task) == 1);
  });
}

TEST_CASE("join() goes on waiting for what is in a queue that was shut down") {
  testing::run([] {
    Queue<int> queue;
    queue.put_nowait(1);
    auto joins = create_task([&] { queue.join(); });
    settle();
    queue.shutdown();
    settle();
    CHECK_FALSE(joins.done());
    queue.get_nowait();
    queue.task_done();
    settle();
    CHECK(joins.done());
  });
}

TEST_CASE("an immediate shutdown drops the items, which count as done") {
  testing::run([] {
    Queue<std::shared_ptr<int>> queue;
    const auto item = std::make_shared<int>(1);
    queue.put_nowait(item);
    queue.put_nowait(item);
    auto joins = create_task([&] { queue.join(); });
    settle();
    queue.shutdown(true);
    CHECK(queue.empty());
    CHECK(item.use_count() == 1);
    settle();
    CHECK(joins.done());
    CHECK(error_of([&] { queue.get(); }) == "QueueShutDown()");
    CHECK_THROWS_AS(queue.task_done(), ValueError);
  });
}

TEST_CASE("after an immediate shutdown join() waits for what was got before") {
  testing::run([] {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    queue.get_nowait();
    auto joins = create_task([&] { queue.join(); });
    settle();
    queue.shutdown(true);
    settle();
    CHECK_FALSE(joins.done());
    queue.task_done();
    settle();
    CHECK(joins.done());
  });
}

TEST_CASE("a queue may be shut down twice, at once the second time") {
  testing::run([] {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.shutdown();
    CHECK(queue.qsize() == 1);
    queue.shutdown(true);
    CHECK(queue.empty());
    CHECK(error_of([&] { queue.get_nowait(); }) == "QueueShutDown()");
  });
}

TEST_SUITE_END();
