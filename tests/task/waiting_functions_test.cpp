#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <weft/coro/async_for.h>
#include <weft/coro/async_generator.h>
#include <weft/coro/async_with.h>
#include <weft/task/gather.h>
#include <weft/task/shield.h>
#include <weft/task/shutdown_asyncgens.h>
#include <weft/task/sleep.h>
#include <weft/task/task_group.h>
#include <weft/task/timeout.h>
#include <weft/task/wait.h>
#include <weft/task/wait_queue.h>

#include "../waiting/cases.h"

using namespace weft;
using namespace std::chrono_literals;

namespace {

// ---- what waits for a future, in one way or another

struct OneFuture {
  Future<int> future{};
  void wake() const {
    if (!future.done()) future.set_result(42);
  }
  void fail() const { future.set_exception(ValueError("bad")); }
  void again() {
    future.cancel();  // tasks of before end by that
    future = Future<int>();
  }
  /// A function that waits for it.
  auto body() const {
    return [it = future] { return it.await(); };
  }
};

/// The future is cancelled with whoever waits for it.
struct CancelsFuture : OneFuture {
  void cancelled() const { CHECK(future.cancelled()); }
};

/// It is not.
struct LeavesFuture : OneFuture {
  void cancelled() const { CHECK_FALSE(future.done()); }
};

struct AwaitFuture : CancelsFuture {
  int wait() const { return future.await(); }
};

struct AwaitTemporaryFuture : CancelsFuture {
  int wait() const { return await(Future<int>(future)); }
};

struct AwaitAnyFuture : CancelsFuture {
  void wait() const { await(AnyFuture(future)); }
};

/// By the door itself; white-box, as a future is not told of it.
struct TrapFuture : CancelsFuture {
  int wait() const {
    trap(static_cast<detail::FutureBase*>(detail::Access::state(future)));
    return future.result();
  }
};

struct AwaitTask : OneFuture {
  std::optional<Task<int>> task;
  int wait() {
    task = create_task(body());
    return await(*task);
  }
  void cancelled() const { CHECK(task->cancelled()); }
};

struct AwaitAnyTask : OneFuture {
  void wait() const { AnyTask(create_task(body())).await(); }
};

struct AwaitCoroutine : OneFuture {
  int wait() const { return await(Coroutine<int>(body())); }
};

struct AwaitNamedCoroutine : OneFuture {
  int wait() const {
    Coroutine<int> coroutine(body());
    return await(coroutine);
  }
};

struct AwaitGenerator : OneFuture {
  int wait() const {
    return await(Generator<int, void, int>([it = future](auto&) { return it.await(); }));
  }
};

struct AwaitObject : OneFuture {
  struct Object {
    const Future<int>& future;
    int await() const { return future.await(); }
  };
  int wait() const { return await(Object{future}); }
};

struct YieldFromWaiting : OneFuture {
  int wait() const {
    Generator<int, void, int> outer([it = future](auto& self) {
      return self.yield_from(Generator<int, void, int>([it](auto&) { return it.await(); }));
    });
    return outer.next().result();
  }
};

AsyncGenerator<int> one_item(const Future<int>& future) {
  return {[future](auto& self) { self.yield(future.await()); }};
}

struct AwaitAsyncStep : OneFuture {
  int wait() const {
    AsyncGenerator<int> items = one_item(future);
    const int item = await(items.anext());
    await(items.aclose());
    return item;
  }
};

struct AwaitAclose : OneFuture {
  int wait() const {
    int given = 0;
    AsyncGenerator<int> items([&, it = future](auto& self) {
      try {
        self.yield(1);
      } catch (const GeneratorExit&) {
        given = it.await();
        throw;
      }
    });
    await(items.anext());
    await(items.aclose());
    return given;
  }
};

struct AsyncForItem : OneFuture {
  int wait() const {
    int sum = 0;
    async_for(one_item(future), [&](int item) { sum += item; });
    return sum;
  }
};

struct AsyncForBody : OneFuture {
  int wait() const {
    Future<int> ready;
    ready.set_result(0);
    int sum = 0;
    async_for(one_item(ready), [&](int) { sum = future.await(); });
    return sum;
  }
};

struct AsyncWithEnter : OneFuture {
  struct Manager {
    const Future<int>& future;
    int aenter() const { return future.await(); }
    bool aexit(const std::exception_ptr&) const { return false; }
  };
  int wait() const {
    return async_with(Manager{future}, [](int entered) { return entered; }).value();
  }
};

struct AsyncWithBody : OneFuture {
  struct Manager {
    bool& left;
    void aenter() const {}
    bool aexit(const std::exception_ptr&) const { return left = true, false; }
  };
  int wait() const {
    bool left = false;
    struct Check {
      const bool& left;
      ~Check() { CHECK(left); }
    } const check{left};
    return async_with(Manager{left}, [&] { return future.await(); }).value();
  }
};

struct GatherFutures : CancelsFuture {
  int wait() const {
    Future<int> other;
    other.set_result(0);
    const auto [a, b] = gather(other, future);
    return a + b;
  }
};

struct GatherFunctions : OneFuture {
  int wait() const {
    return std::get<1>(gather([] { return 0; }, body()));
  }
};

struct GatherRange : CancelsFuture {
  int wait() const { return gather(std::vector<Future<int>>{future, future}).front(); }
};

struct GatherOutcomes : CancelsFuture {
  std::string wait() const {
    const auto [one] = gather(return_exceptions, future);
    return one ? std::to_string(one.result()) : describe(one.exception());
  }
};

struct GatherFuture : CancelsFuture {
  std::optional<Future<std::tuple<int>>> all;
  int wait() {
    all = gather_future(future);
    return std::get<0>(await(*all));
  }
  void again() {
    CancelsFuture::again();
    weft::wait({*all});
    all->exception();  // its CancelledError is nobody's
  }
};

struct WaitForAll : LeavesFuture {
  std::size_t wait() const { return weft::wait({future}).done.size(); }
};

struct WaitForFirst : LeavesFuture {
  Future<int> never{};
  std::size_t wait() const {
    return weft::wait({future, never}, ReturnWhen::FirstCompleted).done.size();
  }
};

struct AsCompletedNext : LeavesFuture {
  std::optional<AsCompleted<Future<int>>> range{as_completed(std::vector{future})};
  int wait() { return range->next().result(); }
  void again() {
    LeavesFuture::again();
    range.emplace(as_completed(std::vector{future}));
  }
};

struct AsCompletedLoop : LeavesFuture {
  int wait() const {
    int sum = 0;
    for (const auto& done : as_completed(std::vector{future})) sum += done.result();
    return sum;
  }
};

struct WaitForFunction : OneFuture {
  int wait() const { return wait_for(body(), 100h); }
};

struct WaitForFuture : CancelsFuture {
  int wait() const { return wait_for(future, 100h); }
};

/// The limit has passed, but what was cancelled takes its time to end.
struct WaitForLate : OneFuture {
  int wait() const {
    auto task = create_task({.eager_start = true}, [it = future] {
      try {
        return Future<int>().await();
      } catch (const CancelledError&) {
        it.await();
        throw;
      }
    });
    return wait_for(task, 0s);
  }
};

struct ShieldFuture : LeavesFuture {
  int wait() const { return await(shield(future)); }
};

struct ShieldFunction : LeavesFuture {
  int wait() const { return await(shield(body())); }
};

struct TimeoutBody : OneFuture {
  int wait() const { return timeout(100h, body()); }
};

struct TimeoutAtBody : OneFuture {
  int wait() const { return timeout_at(now() + 100h, body()); }
};

struct TimeoutMovedBody : OneFuture {
  int wait() const {
    Timeout limit(std::nullopt);
    return timeout(limit, [&](Timeout& it) {
      it.reschedule(now() + 100h);
      return future.await();
    });
  }
};

struct TaskGroupTasks : OneFuture {
  int wait() const {
    std::optional<Task<int>> task;
    task_group([&](TaskGroup& group) { task = group.create_task(body()); });
    return task->result();
  }
};

struct TaskGroupBody : OneFuture {
  int wait() const { return task_group(body()).value(); }
};

struct Turns : CancelsFuture {
  int wait() const {
    int given = 0;
    testing::turns([&] { given = future.await(); });
    return given;
  }
};

struct ShutdownAsyncgens : OneFuture {
  void wait() const {
    AsyncGenerator<int> items([it = future](auto& self) {
      try {
        self.yield(1);
      } catch (const GeneratorExit&) {
        it.await();
        throw;
      }
    });
    await(items.anext());
    shutdown_asyncgens(get_running_loop());
  }
};

// ---- what waits for something else

struct Sleep {
  void wait() const { sleep(100h); }
  void wake() const { waiting::clock().advance(100h); }
  void cancelled() const { CHECK(detail::running_loop->timers.size() <= 1); }
};

struct SleepUntil {
  void wait() const { sleep_until(now() + 100h); }
  void wake() const { waiting::clock().advance(100h); }
};

struct WaitQueuePark {
  WaitQueue queue{};
  void wait() { queue.park("WaitQueue.park"); }
  void wake() { queue.wake_one(); }
};

}  // namespace

const std::vector<waiting::Row>& waiting::rows() {
  static constexpr const char* kBad = "ValueError('bad')";
  static constexpr const char* kGroup =
      "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('bad')])";
  static const Traits kOnceWoken{.gives = "42", .fails = kBad, .keeps = Keeps::OnceWoken};
  static const Traits kAlways{.gives = "42", .fails = kBad, .keeps = Keeps::Always};
  static const std::vector<Row> rows = {
      row<AwaitFuture>("Future::await()", kOnceWoken),
      row<AwaitTemporaryFuture>("await() of a temporary future", kOnceWoken),
      row<AwaitAnyFuture>("AnyFuture::await()", {.fails = kBad, .keeps = Keeps::OnceWoken}),
      row<TrapFuture>("trap()", kOnceWoken),
      row<AwaitTask>("await() of a task", kOnceWoken),
      row<AwaitAnyTask>("AnyTask::await()", {.fails = kBad, .keeps = Keeps::OnceWoken}),
      row<AwaitCoroutine>("await() of a coroutine", kOnceWoken),
      row<AwaitNamedCoroutine>("await() of a named coroutine", kOnceWoken),
      row<AwaitGenerator>("await() of a generator", kOnceWoken),
      row<AwaitObject>("await() of an object with await()", kOnceWoken),
      row<YieldFromWaiting>("yield_from() what waits", kOnceWoken),
      row<AwaitAsyncStep>("await() of anext()", kOnceWoken),
      row<AwaitAclose>("await() of aclose()", kOnceWoken),
      row<AsyncForItem>("async_for() whose items wait", kOnceWoken),
      row<AsyncForBody>("async_for() whose body waits", kOnceWoken),
      row<AsyncWithEnter>("async_with() whose aenter() waits", kOnceWoken),
      row<AsyncWithBody>("async_with() whose body waits", kOnceWoken),
      row<GatherFutures>("gather() of futures", kOnceWoken),
      row<GatherFunctions>("gather() of functions", kOnceWoken),
      row<GatherRange>("gather() of a range", kOnceWoken),
      row<GatherOutcomes>("gather() with return_exceptions", kOnceWoken),
      row<GatherFuture>("await() of gather_future()", kOnceWoken),
      row<WaitForAll>("wait()", {.gives = "1", .fails = "1", .keeps = Keeps::Always}),
      row<WaitForFirst>("wait() for the first",
                        {.gives = "1", .fails = "1", .keeps = Keeps::Always}),
      row<AsCompletedNext>("AsCompleted::next()", kAlways),
      row<AsCompletedLoop>("a loop over as_completed()", kAlways),
      row<WaitForFunction>("wait_for() a function", kOnceWoken),
      row<WaitForFuture>("wait_for() a future", kOnceWoken),
      row<WaitForLate>("wait_for() with a limit that has passed",
                       {.gives = "TimeoutError()", .fails = kBad}),
      row<ShieldFuture>("await() of shield() of a future", kAlways),
      row<ShieldFunction>("await() of shield() of a function", kAlways),
      row<TimeoutBody>("timeout()", kOnceWoken),
      row<TimeoutAtBody>("timeout_at()", kOnceWoken),
      row<TimeoutMovedBody>("timeout() with a Timeout", kOnceWoken),
      row<TaskGroupTasks>("task_group() whose tasks wait",
                          {.gives = "42", .fails = kGroup, .keeps = Keeps::OnceWoken}),
      row<TaskGroupBody>(
          "task_group() whose body waits",
          {.gives = "42",
           .fails = kGroup,
           .keeps = Keeps::OnceWoken,
           .thrown = "ExceptionGroup('unhandled errors in a TaskGroup', [ValueError('hand')])",
           .closed = "BaseExceptionGroup('unhandled errors in a TaskGroup', [GeneratorExit()])"}),
      row<Turns>("turns()", kOnceWoken),
      row<ShutdownAsyncgens>("shutdown_asyncgens()"),
      row<Sleep>("sleep()"),
      row<SleepUntil>("sleep_until()"),
      row<WaitQueuePark>("WaitQueue::park()"),
  };
  return rows;
}
