// The cases of every function that waits; contract.h says what is made for them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/context/stack.h>
#include <weft/coro/coroutine.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

#include "../waiting/contract.h"

namespace waiting {

inline std::size_t open_descriptors() {
  using Entries = std::filesystem::directory_iterator;
  return std::size_t(std::distance(Entries("/proc/self/fd"), Entries()));
}

inline EventLoopOptions virtual_time() {
  EventLoopOptions options;
  options.clock = std::make_unique<testing::VirtualClock>();
  return options;
}

/// Has a task wait in a loop that `run(main)` makes and closes; gives how the wait ended. Stacks
/// and descriptors have been given back by then.
template <class Run>
std::string ending_of_loop(const Row& row, Run&& run) {
  const std::size_t stacks = stack_statistics().in_use;
  const std::size_t descriptors = open_descriptors();
  std::string ending = "none";
  {
    std::unique_ptr<Trial> trial;  // it outlives the loop
    run(trial, [&] {
      trial = std::make_unique<Trial>(row);
      trial->start([&] { return ending = outcome_of([&] { return trial->subject().wait(); }); });
      CHECK(ending == "none");
    });
  }
  CHECK(stack_statistics().in_use == stacks);
  CHECK(open_descriptors() == descriptors);
  return ending;
}

}  // namespace waiting

TEST_SUITE_BEGIN("waiting functions");

TEST_CASE("it waits until it is woken, and gives what came") {
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits& traits) {
    auto task = trial.start();
    trial.subject().wake();
    CHECK(waiting::outcome_of([&] { return task.await(); }) == traits.gives);
    trial.check_as_new();
  });
}

TEST_CASE("cancelled before it waits, it throws and leaves nothing behind") {
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits& traits) {
    std::string ending;
    auto task = weft::create_task([&] {
      weft::current_task().cancel("early");
      if (traits.stays) trial.subject().wake();
      ending = waiting::outcome_of([&] { return trial.subject().wait(); });
    });
    weft::await(task);
    CHECK(ending == "CancelledError('early')");
    trial.subject().cancelled();
    trial.check_as_new();
  });
}

TEST_CASE("cancelled while it waits, it throws and leaves nothing behind") {
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits&) {
    auto task = trial.start();
    task.cancel("bye");
    CHECK_FALSE(task.done());
    trial.check_ending(task, "CancelledError('bye')");
    trial.subject().cancelled();
    trial.check_as_new();
  });
}

TEST_CASE("cancelled, then woken in the same turn, it throws, and nothing is lost") {
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits&) {
    auto task = trial.start();
    task.cancel("bye");
    trial.subject().wake();
    CHECK(waiting::outcome_of([&] { return task.await(); }) == "CancelledError('bye')");
    trial.check_kept(waiting::Keeps::Always);
    trial.check_as_new();
  });
}

TEST_CASE("woken, and cancelled before it goes on, it throws, and nothing is lost") {
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits&) {
    auto task = trial.start();
    trial.wake_to_the_brink(task);
    task.cancel("bye");
    CHECK(waiting::outcome_of([&] { return task.await(); }) == "CancelledError('bye')");
    trial.check_kept(waiting::Keeps::OnceWoken);
    trial.check_as_new();
  });
}

TEST_CASE("cancelled once it has gone on, it has given what came, and the next wait throws") {
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits& traits) {
    std::string given;
    bool has_gone_on = false;
    auto task = trial.start([&] {
      given = waiting::outcome_of([&] { return trial.subject().wait(); });
      has_gone_on = true;
      weft::yield_now();
      return given;
    });
    trial.wake_to_the_brink(task);
    while (!has_gone_on) weft::yield_now();
    task.cancel("late");
    CHECK(given == traits.gives);
    CHECK(waiting::outcome_of([&] { return task.await(); }) == "CancelledError('late')");
    trial.check_as_new();
  });
}

TEST_CASE("a limit ends it at its time, and leaves nothing behind") {
  using namespace std::chrono_literals;
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits& traits) {
    const weft::TimePoint start = weft::now();
    auto late = weft::create_task([&] {
      trial.subject().began();
      weft::sleep(11min);
      if (traits.stays) trial.subject().wake();
    });
    CHECK(waiting::outcome_of([&] {
            return weft::timeout(10min, [&] { return trial.subject().wait(); });
          }) == "TimeoutError()");
    CHECK(weft::now() - start == (traits.stays ? 11min : 10min));
    late.cancel();
    trial.subject().cancelled();
    trial.check_as_new();
  });
}

TEST_CASE("when main returns it is cancelled, and what it held is given back") {
  waiting::for_each_row([](const waiting::Row& row) {
    CHECK(waiting::ending_of_loop(row, [](auto& trial, const auto& begin) {
            weft::run(waiting::virtual_time(), [&] {
              begin();
              weft::create_task([&] {
                waiting::outcome_of([] { return weft::Future<std::string>().await(); });
                trial->subject().closing();
              });
              weft::testing::settle();
            });
          }) == "CancelledError()");
  });
}

TEST_CASE("when its loop is closed it is unwound, and what it held is given back") {
  waiting::for_each_row([](const waiting::Row& row) {
    CHECK(waiting::ending_of_loop(row, [](auto& trial, const auto& begin) {
            weft::EventLoop loop(waiting::virtual_time());
            loop.set_exception_handler([](const weft::ExceptionContext&) {});  // tasks are pending
            weft::run_until_complete(loop, weft::create_task({.loop = &loop}, begin));
            trial->subject().closing();
            loop.close();
          }) == row.traits.closed);
  });
}

TEST_CASE("if what it waits for fails, it throws that") {
  const auto can_fail = [](const waiting::Row& row) { return !row.traits.fails.empty(); };
  waiting::for_each_trial(
      [](waiting::Trial& trial, const waiting::Traits& traits) {
        auto task = trial.start();
        trial.subject().fail();
        CHECK(waiting::outcome_of([&] { return task.await(); }) == traits.fails);
        trial.check_as_new();
      },
      can_fail);
}

TEST_CASE("an exception from elsewhere passes through it, and leaves nothing behind") {
  waiting::for_each_trial([](waiting::Trial& trial, const waiting::Traits& traits) {
    weft::Coroutine<std::string> coroutine([&] { return trial.subject().wait(); });
    CHECK_FALSE(coroutine.send().done());
    trial.subject().began();
    if (traits.stays) trial.subject().closing();
    CHECK(waiting::outcome_of([&] {
            return coroutine.throw_(weft::ValueError("hand")), "nothing";
          }) == traits.thrown);
    trial.check_as_new();
  });
}

TEST_SUITE_END();
