// What holds of all that waits in this layer.
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

#include "../child.h"
#include "../task/checks.h"
#include "subjects.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// That the object works as it did at the beginning.
template <class S>
void check_as_new(S& subject) {
  subject.again();
  auto task = create_task([&] { subject.wait(); });
  settle();
  CHECK_FALSE(task.done());
  subject.wake();
  settle();
  CHECK(task.done());
  task.result();
}

}  // namespace

TEST_SUITE_BEGIN("all waits");

TEST_CASE_TEMPLATE("it suspends once, until it is woken, and says where", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    int suspensions = 0;
    auto task = create_task([&] { suspensions = turns([&] { subject.wait(); }); });
    settle();
    CHECK(AnyTask(task).waits_for() == S::kKind);
    subject.wake();
    CHECK_FALSE(task.done());  // the waker goes on first
    settle();
    task.result();
    CHECK(suspensions == 1);
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("cancelled before it waits, it throws and leaves nothing behind", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    int suspensions = 0;
    auto task = create_task([&] {
      current_task().cancel("early");
      suspensions =
          turns([&] { CHECK(error_of([&] { subject.wait(); }) == "CancelledError('early')"); });
    });
    await(task);
    CHECK(suspensions == 1);
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("cancelled while it waits, it throws and leaves nothing behind", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    auto task = create_task([&] { subject.wait(); });
    settle();
    task.cancel("bye");
    CHECK_FALSE(task.done());
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('bye')");
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("woken, then cancelled in the same turn, it throws", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    auto task = create_task([&] { subject.wait(); });
    settle();
    subject.wake();
    task.cancel("bye");
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('bye')");
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("cancelled, then woken in the same turn, it throws", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    auto task = create_task([&] { subject.wait(); });
    settle();
    task.cancel("bye");
    subject.wake();
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('bye')");
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("cancelled once it has gone on, the next wait throws", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    auto task = create_task([&] {
      subject.wait();
      yield_now();
    });
    settle();
    subject.wake();
    yield_now();
    task.cancel("late");
    settle();
    CHECK(error_of([&] { task.result(); }) == "CancelledError('late')");
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("a limit ends it at its time, and leaves nothing behind", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(24h, [&] { subject.wait(); }), TimeoutError);
    CHECK(now() - start == 24h);
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("an exception from elsewhere passes through it", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    Coroutine<> coroutine([&] { subject.wait(); });
    coroutine.send();
    CHECK(error_of([&] { coroutine.throw_(ValueError("hand")); }) == "ValueError('hand')");
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("a coroutine that is driven by hand waits for a future", S, ALL_WAITS) {
  testing::run([] {
    S subject;
    Coroutine<> coroutine([&] { subject.wait(); });
    REQUIRE_FALSE(coroutine.send().done());
    subject.wake();
    CHECK(coroutine.send().done());
    check_as_new(subject);
  });
}

TEST_CASE_TEMPLATE("a coroutine that is closed while it waits leaves nothing behind", S,
                   ALL_WAITS) {
  testing::run([] {
    S subject;
    for (const bool woken : {false, true}) {
      Coroutine<> coroutine([&] { CHECK(error_of([&] { subject.wait(); }) == "GeneratorExit()"); });
      REQUIRE_FALSE(coroutine.send().done());
      if (woken) subject.wake();
      coroutine.close();
      check_as_new(subject);
      subject.again();
    }
  });
}

TEST_CASE_TEMPLATE("outside a task it is refused, and leaves nothing behind", S, ALL_WAITS) {
  S subject;
  CHECK(error_of([&] { subject.wait(); }) ==
        "RuntimeError('a wait outside a task: nothing here can be suspended')");
  testing::run([&] { check_as_new(subject); });
}

TEST_CASE_TEMPLATE("a loop that is closed ends the wait", S, ALL_WAITS) {
  S subject;
  Log log;
  {
    EventLoop loop(virtual_time());
    const Told told(loop);
    in_loop(loop, [&] { create_task([&] { log(error_of([&] { subject.wait(); })); }); }, 2);
    CHECK(log.empty());
    loop.close();
    CHECK(told.log == Log{"Task was destroyed but it is pending!: None"});
  }
  CHECK(log == Log{"GeneratorExit()"});
  testing::run([&] { check_as_new(subject); });
}

TEST_CASE_TEMPLATE("an object that goes while a task waits on it takes the process along", S,
                   ALL_WAITS) {
  const Ending ending = run_in_child([] {
    std::signal(SIGABRT, SIG_DFL);  // the test framework has a handler
    EventLoop loop(virtual_time());
    std::optional<S> subject(std::in_place);
    in_loop(loop, [&] { create_task([&] { subject->wait(); }); }, 2);
    subject.reset();
  });
  CHECK(ending.signal == SIGABRT);
  CHECK(ending.errors == "weft: an object is destroyed while tasks wait on it\n");
}

TEST_CASE_TEMPLATE("an object may go once it has woken all, if they do not use it any more", S,
                   ALL_WAITS) {
  const Ending ending = run_in_child([] {
    std::signal(SIGABRT, SIG_DFL);
    EventLoop loop(virtual_time());
    std::optional<S> subject(std::in_place);
    in_loop(loop, [&] { create_task([&] { subject->wait(); }); }, 2);
    subject->wake();
    subject.reset();
    in_loop(loop, [] {}, 2);
  });
  CHECK(ending.signal == (S::kTouches ? SIGABRT : 0));
  CHECK(ending.errors ==
        (S::kTouches ? "weft: an object is destroyed while tasks wait on it\n" : ""));
}

TEST_SUITE_END();
