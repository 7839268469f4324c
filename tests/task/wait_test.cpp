#include <weft/task/wait.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/coroutine.h>
#include <weft/task/sleep.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("wait");

namespace {

/// Ends after so many seconds, with that number; a negative one fails.
Task<int> after(int seconds) {
  return create_task([seconds] {
    sleep(std::chrono::seconds(std::abs(seconds)));
    if (seconds < 0) throw ValueError(std::to_string(seconds));
    return seconds;
  });
}

std::vector<Task<int>> all_after(std::initializer_list<int> seconds) {
  std::vector<Task<int>> tasks;
  for (int each : seconds) tasks.push_back(after(each));
  return tasks;
}

void cancel_all(const std::vector<Task<int>>& tasks) {
  for (const auto& task : tasks) task.cancel();
  settle();
  for (const auto& task : tasks)
    if (!task.cancelled()) task.exception();
}

}  // namespace

TEST_CASE("wait() returns when all are done, in the order of the arguments") {
  testing::run([] {
    const auto tasks = all_after({2, 1});
    const TimePoint start = now();
    const auto [done, pending] = wait(tasks);
    CHECK(now() - start == 2s);
    CHECK(done == tasks);
    CHECK(pending.empty());
  });
}

TEST_CASE("an exception does not come out of wait()") {
  testing::run([] {
    const auto tasks = all_after({-1, 2});
    CHECK(wait(tasks).done.size() == 2);
    CHECK_THROWS_AS(tasks[0].result(), ValueError);
  });
}

TEST_CASE("FirstCompleted: wait() returns when one is done") {
  testing::run([] {
    const auto tasks = all_after({3, 1, 2});
    const auto [done, pending] = wait(tasks, ReturnWhen::FirstCompleted);
    CHECK(done == std::vector{tasks[1]});
    CHECK(pending == std::vector{tasks[0], tasks[2]});
    cancel_all(tasks);
  });
}

TEST_CASE("FirstException: a result or a cancellation does not end the wait, a failure does") {
  testing::run([] {
    const auto tasks = all_after({1, 4, -3, 5});
    tasks[1].cancel();
    const TimePoint start = now();
    const auto [done, pending] = wait(tasks, ReturnWhen::FirstException);
    CHECK(now() - start == 3s);
    CHECK(done == std::vector{tasks[0], tasks[1], tasks[2]});
    CHECK(pending == std::vector{tasks[3]});
    cancel_all(tasks);
  });
}

TEST_CASE("FirstException without a failure waits for all") {
  testing::run([] { CHECK(wait(all_after({1, 2}), ReturnWhen::FirstException).pending.empty()); });
}

TEST_CASE("a limit ends the wait, and nothing is cancelled") {
  testing::run([] {
    const auto tasks = all_after({1, 3});
    const TimePoint start = now();
    const auto [done, pending] = wait(tasks, ReturnWhen::AllCompleted, 2s);
    CHECK(now() - start == 2s);
    CHECK(done == std::vector{tasks[0]});
    CHECK(pending == std::vector{tasks[1]});
    CHECK(await(tasks[1]) == 3);
  });
}

TEST_CASE("wait() takes back its timer and its callbacks") {
  testing::run([] {
    const Future<> never;
    const Future<> soon;
    soon.set_result();
    wait({never, soon}, ReturnWhen::FirstCompleted, 1h);
    CHECK(detail::core_of(get_running_loop()).timers.empty());
    CHECK(detail::core_of(get_running_loop()).kept == nullptr);
  });
}

TEST_CASE("wait() for what is done suspends once") {
  testing::run([] {
    const Future<> done;
    done.set_result();
    CHECK(turns([&] { wait({done}); }) == 1);
  });
}

TEST_CASE("one that is named twice counts once") {
  testing::run([] {
    const Task<int> task = after(1);
    CHECK(wait(std::vector{task, task}).done == std::vector{task});
  });
}

TEST_CASE("wait() takes different kinds in one list") {
  testing::run([] {
    const Task<> task = create_task([] {});
    const Future<int> future;
    future.set_result(5);
    const auto [done, pending] = wait({task, future});
    CHECK(done == std::vector<AnyFuture>{task, future});
    CHECK(pending.empty());
  });
}

TEST_CASE("wait() takes what all_tasks() gives") {
  testing::run([] {
    std::vector<AnyTask> others;
    const auto tasks = all_after({1, 2});
    for (const AnyTask& task : all_tasks())
      if (!(task == current_task())) others.push_back(task);
    CHECK(wait(others).done.size() == 2);
  });
}

TEST_CASE("wait() for nothing is an error") {
  testing::run([] {
    CHECK(error_of([] { wait(std::vector<Task<>>{}); }) ==
          "ValueError('Set of Tasks/Futures is empty.')");
  });
}

TEST_CASE("wait() for a future of another loop is an error") {
  EventLoop other;
  testing::run([&] {
    const Future<> foreign(other);
    CHECK(error_of([&] { wait({foreign}); }) ==
          "ValueError('futures: one belongs to another loop')");
  });
}

TEST_CASE("wait() outside a task is an error, and leaves nothing behind") {
  EventLoop loop;
  std::string error;
  in_loop(loop, [&] {
    const Future<> future;
    error = error_of([&] { wait({future}, ReturnWhen::AllCompleted, 1h); });
  });
  CHECK(error == "RuntimeError('a wait outside a task: nothing here can be suspended')");
  CHECK(detail::core_of(loop).timers.empty());
}

TEST_CASE("a cancelled wait() leaves the tasks alone") {
  testing::run([] {
    const auto tasks = all_after({2, 3});
    const auto waiting = create_task([&] { wait(tasks, ReturnWhen::AllCompleted, 1h); });
    sleep(1s);
    waiting.cancel("enough");
    CHECK(error_of([&] { await(waiting); }) == "CancelledError('enough')");
    CHECK(detail::core_of(get_running_loop()).timers.size() == 2);
    CHECK(await(tasks[1]) == 3);
  });
}

TEST_CASE("a wait() that is cancelled before it begins does not begin") {
  testing::run([] {
    const Future<> future;
    future.set_result();
    current_task().cancel();
    CHECK_THROWS_AS(wait({future}), CancelledError);
    current_task().uncancel();
  });
}

TEST_CASE("a wait() that is cancelled in the turn in which it is woken throws") {
  testing::run([] {
    const Future<> future;
    const auto waiting = create_task([&] { wait({future}); });
    settle();
    future.set_result();
    yield_now();  // wait() hears of it
    waiting.cancel();
    CHECK_THROWS_AS(await(waiting), CancelledError);
  });
}

TEST_CASE("a second failure in the same turn counts as asked for") {
  testing::run([] {  // or the run would end with a report
    const auto tasks = all_after({-1, -1, 3});
    wait(tasks, ReturnWhen::FirstException);
    yield_now();
    cancel_all({tasks[2]});
  });
}

TEST_CASE("a loop that is closed during a wait() closes its task") {
  Log log;
  {
    EventLoop loop;
    const Told told(loop);
    in_loop(
        loop,
        [&] {
          create_task([&] {
            const Future<> never;
            try {
              wait({never}, ReturnWhen::AllCompleted, 1h);
            } catch (const GeneratorExit&) {
              log("closed");
              throw;
            }
          });
        },
        3);
    loop.close();
  }
  CHECK(log == Log{"closed"});
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("as_completed");

TEST_CASE("as_completed() gives the tasks themselves, in the order in which they end") {
  testing::run([] {
    const auto tasks = all_after({3, 1, 2});
    std::vector<Task<int>> order;
    for (const Task<int>& each : as_completed(tasks)) order.push_back(each);
    CHECK(order == std::vector{tasks[1], tasks[2], tasks[0]});
  });
}

TEST_CASE("as_completed() does not throw what a task throws") {
  testing::run([] {
    std::string results;
    for (const auto& each : as_completed(all_after({-1, 2})))
      results += each.exception() ? describe(each.exception()) : std::to_string(each.result());
    CHECK(results == "ValueError('-1')2");
  });
}

TEST_CASE("as_completed() of nothing is empty") {
  testing::run([] {
    auto none = as_completed(std::vector<Task<>>{}, 1s);
    CHECK(none.begin() == none.end());
    CHECK_THROWS_AS(none.next(), StopIteration);
  });
}

TEST_CASE("those that end before they are asked for wait in line") {
  testing::run([] {
    const auto tasks = all_after({1, 2});
    auto completed = as_completed(tasks);
    sleep(5s);
    CHECK(turns([&] { CHECK(completed.next() == tasks[0]); }) == 0);
    CHECK(completed.left() == 1);
    CHECK(completed.next() == tasks[1]);
  });
}

TEST_CASE("behind the limit each that is not done throws TimeoutError") {
  testing::run([] {
    const auto tasks = all_after({1, 5, 6});
    const TimePoint start = now();
    auto completed = as_completed(tasks, 2s);
    CHECK(completed.next().result() == 1);
    CHECK(error_of([&] { completed.next(); }) == "TimeoutError()");
    CHECK(error_of([&] { completed.next(); }) == "TimeoutError()");
    CHECK(completed.left() == 0);
    CHECK(now() - start == 2s);
    CHECK(await(tasks[2]) == 6);
  });
}

TEST_CASE("a limit that is kept leaves no timer") {
  testing::run([] {
    auto completed = as_completed(all_after({1}), 1h);
    CHECK(completed.next().result() == 1);
    CHECK(detail::core_of(get_running_loop()).timers.empty());
  });
}

TEST_CASE("leaving the range early leaves nothing behind") {
  testing::run([] {
    const auto tasks = all_after({1, 2});
    for (const auto& each : as_completed(tasks, 1h)) {
      CHECK(each == tasks[0]);
      break;
    }
    CHECK(detail::core_of(get_running_loop()).timers.size() == 1);  // the second task's sleep
    CHECK(detail::core_of(get_running_loop()).kept == nullptr);
    cancel_all(tasks);
  });
}

TEST_CASE("a cancelled next() may be called again") {
  testing::run([] {
    const auto tasks = all_after({2});
    auto completed = as_completed(tasks);
    const auto waiting = create_task([&] { completed.next(); });
    sleep(1s);
    waiting.cancel();
    CHECK_THROWS_AS(await(waiting), CancelledError);
    CHECK(completed.left() == 1);
    CHECK(completed.next() == tasks[0]);
  });
}

TEST_CASE("one that comes in between takes the end that another was woken for, who then waits on") {
  testing::run([] {
    const Future<> a;
    const Future<> b;
    auto completed = as_completed({a, b});
    Log log;
    const auto first = create_task([&] { log(completed.next() == a ? "first a" : "first b"); });
    settle();
    a.set_result();
    const auto second = create_task([&] { log(completed.next() == a ? "second a" : "second b"); });
    settle();
    CHECK(log == Log{"second a"});
    b.set_result();
    await(first);
    CHECK(log == Log{"second a", "first b"});
  });
}

TEST_CASE("as_completed() of a future of another loop is an error") {
  testing::run([] {
    EventLoop other;
    const Future<> future(other);
    CHECK(error_of([&] { as_completed({future}); }) ==
          "ValueError('futures: one belongs to another loop')");
  });
}

TEST_CASE("as_completed() takes different kinds in one list") {
  testing::run([] {
    const Task<> task = create_task([] {});
    const Future<int> future;
    Log order;
    for (const AnyFuture& each : as_completed({future, task})) {
      order(each == AnyFuture(task) ? "task" : "future");
      if (!future.done()) future.set_result(1);
    }
    CHECK(order == Log{"task", "future"});
  });
}

TEST_SUITE_END();
