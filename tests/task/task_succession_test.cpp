// Tasks that begin where another one has ended: in its place, on its stack.
#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/context/stack.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

using namespace weft;
using testing::settle;

TEST_SUITE_BEGIN("tasks in the place of others");

namespace {

/// Uses about `depth` KiB of stack.
[[gnu::noinline]] int descend(int depth) {
  volatile char frame[1024];
  frame[0] = 1;
  const int below = depth == 0 ? 0 : descend(depth - 1);
  asm volatile("" : : "r"(frame) : "memory");  // or clang makes a loop of one byte of it
  return below + frame[0];
}

template <std::size_t Size>
Task<int> sum_of(int value) {
  std::array<int, Size> values{};
  values.fill(value);
  return create_task([values] { return std::accumulate(values.begin(), values.end(), 0); });
}

/// Cancels a task when it is destroyed.
struct Canceller {
  explicit Canceller(AnyTask victim) : task(std::move(victim)) {}
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;
  ~Canceller() { task.cancel(); }
  AnyTask task;
};

}  // namespace

TEST_CASE("tasks of one kind follow one another in order, each with its own captures") {
  testing::run([] {
    std::vector<int> order;
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 100; ++i)
      tasks.push_back(create_task([&order, i] {
        order.push_back(i);
        return i * i;
      }));
    settle();
    std::vector<int> wanted(100);
    std::iota(wanted.begin(), wanted.end(), 0);
    CHECK(order == wanted);
    for (int i = 0; i < 100; ++i) CHECK(tasks[std::size_t(i)].result() == i * i);
  });
}

TEST_CASE("captures of different sizes follow one another") {
  testing::run([] {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 10; ++i) {
      tasks.push_back(sum_of<1>(i));
      tasks.push_back(sum_of<100>(i));
      tasks.push_back(sum_of<2>(i));
      tasks.push_back(sum_of<1000>(i));
    }
    settle();
    for (std::size_t i = 0; i < 10; ++i) {
      CHECK(tasks[4 * i].result() == int(i));
      CHECK(tasks[4 * i + 1].result() == int(100 * i));
      CHECK(tasks[4 * i + 2].result() == int(2 * i));
      CHECK(tasks[4 * i + 3].result() == int(1000 * i));
    }
  });
}

TEST_CASE("a task that asked for a larger stack has it, whoever ended before") {
  testing::run([] {
    const auto deep = [] { return descend(500); };
    const Task<int> before = create_task([] { return 1; });
    const Task<int> task = create_task({.stack = {.size = 1024 * 1024}}, deep);
    const Task<int> behind = create_task([] { return descend(50); });
    settle();
    CHECK(before.result() == 1);
    CHECK(task.result() == 501);
    CHECK(behind.result() == 51);
  });
}

TEST_CASE("what one has captured is destroyed before the next one begins") {
  testing::run([] {
    const auto shared = std::make_shared<int>(0);
    std::vector<long> counts;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i)
      tasks.push_back(create_task([shared, &counts] { counts.push_back(shared.use_count()); }));
    settle();
    CHECK(counts == std::vector<long>{4, 3, 2});
    CHECK(shared.use_count() == 1);
  });
}

TEST_CASE("one that waits in the place of another is woken, cancelled and named as any") {
  testing::run([] {
    const Task<int> first = create_task([] { return 1; });
    const Task<int> sleeper = create_task([] {
      sleep(std::chrono::seconds(1));
      return 2;
    });
    const Task<int> cancelled = create_task({.name = "cancelled"}, [] {
      sleep(std::chrono::hours(1));
      return 3;
    });
    yield_now();
    CHECK(first.done());
    CHECK(all_tasks().size() == 3);
    CHECK(cancelled.name() == "cancelled");
    cancelled.cancel();
    CHECK(await(sleeper) == 2);
    CHECK(cancelled.cancelled());
  });
}

TEST_CASE("an error of one is its own, and the next one begins") {
  testing::run([] {
    const Task<> failing = create_task([] { throw ValueError("its own"); });
    const Task<int> next = create_task([] { return 2; });
    settle();
    CHECK_THROWS_WITH_AS(failing.result(), "its own", ValueError);
    CHECK(next.result() == 2);
  });
}

TEST_CASE("a result that is destroyed with its task may still cancel the next one") {
  testing::run([] {
    bool ran = false;
    std::optional<AnyTask> victim;
    create_task([&] { return std::make_unique<Canceller>(*victim); });
    const Task<> next = create_task([&] { ran = true; });
    victim = next;
    settle();
    CHECK(next.cancelled());
    CHECK_FALSE(ran);
  });
}

TEST_CASE("tasks begin in one another's place in a batch, and what they make waits for the next") {
  testing::run([] {
    std::vector<int> order;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i)
      tasks.push_back(create_task([&, i] {
        order.push_back(i);
        tasks.push_back(create_task([&order, i] { order.push_back(10 + i); }));
      }));
    get_running_loop().call_soon([&] { order.push_back(-1); });
    settle();
    CHECK(order == std::vector<int>{0, 1, 2, -1, 10, 11, 12});
  });
}

TEST_SUITE_END();
