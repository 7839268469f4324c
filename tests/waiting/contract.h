// What holds of every function that waits. A program of tests lists its waiting functions in
// waiting::rows(), and includes this in one file.
//
// A row is a subject: an object that begins in a state in which its wait() has to wait. Its parts:
//   wait()       calls the function; what that gives goes into texts
//   wake()       brings about what is waited for, at once or some turns later
//   again()      [optional] back to the first state, in which nothing of an earlier wait is left
//   began()      [optional] returns when a wait that has begun has got to where it stays
//   fail()       [optional] has what is waited for fail
//   cancelled()  [optional] looks at what a cancelled wait has left
//   closing()    [optional] has threads come to an end that a loop waits for when it is closed
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/context/stack.h>
#include <weft/loop/core.h>
#include <weft/task/run.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

namespace waiting {

using namespace weft;
using namespace std::chrono_literals;

/// Whether what somebody was woken for, but was cancelled before he took it, is there for the next.
enum class Keeps : std::uint8_t {
  No,
  OnceWoken,  ///< if the wake-up came first
  Always
};

struct Traits {
  std::string gives = {};  ///< what wait() gives, or throws, in the end
  std::string fails = {};  ///< what it throws after fail(); empty: nothing can
  Keeps keeps = Keeps::No;
  bool stays = false;                         ///< one that is cancelled is waited for all the same
  std::string thrown = "ValueError('hand')";  ///< what it makes of an exception from elsewhere,
  std::string closed = "GeneratorExit()";     ///< and of its loop's end
};

class Subject {
 public:
  virtual ~Subject() = default;
  virtual std::string wait() = 0;
  virtual void wake() = 0;
  virtual void again() {}
  virtual void began() {}
  virtual void fail() {}
  virtual void cancelled() {}
  virtual void closing() {}
};

struct Row {
  const char* name;
  std::unique_ptr<Subject> (*make)();
  Traits traits;
};

/// The program's.
const std::vector<Row>& rows();

template <class S>
class SubjectOf final : public Subject {
 public:
  std::string wait() override {
    using R = decltype(subject_.wait());
    if constexpr (std::is_void_v<R>)
      return subject_.wait(), "";
    else if constexpr (std::integral<R>)
      return std::to_string(subject_.wait());
    else
      return subject_.wait();
  }
  void wake() override { subject_.wake(); }
  void again() override {
    if constexpr (requires(S& s) { s.again(); }) subject_.again();
  }
  void began() override {
    if constexpr (requires(S& s) { s.began(); }) subject_.began();
  }
  void fail() override {
    if constexpr (requires(S& s) { s.fail(); }) subject_.fail();
  }
  void cancelled() override {
    if constexpr (requires(S& s) { s.cancelled(); }) subject_.cancelled();
  }
  void closing() override {
    if constexpr (requires(S& s) { s.closing(); }) subject_.closing();
  }

 private:
  S subject_{};
};

template <class S>
Row row(const char* name, Traits traits = {}) {
  return {name, []() -> std::unique_ptr<Subject> { return std::make_unique<SubjectOf<S>>(); },
          traits};
}

inline testing::VirtualClock& clock() {
  return static_cast<testing::VirtualClock&>(*detail::running_loop->clock);
}

/// What `f()` gives, or what it throws, as Python would write it.
template <class F>
std::string outcome_of(F&& f) {
  try {
    return f();
  } catch (...) {
    return describe(std::current_exception());
  }
}

inline std::size_t open_descriptors() {
  using Entries = std::filesystem::directory_iterator;
  return std::size_t(std::distance(Entries("/proc/self/fd"), Entries()));
}

/// One subject in the loop that runs, and what the cases do with it.
class Trial {
 public:
  explicit Trial(const Row& row) : traits_(row.traits), subject_(row.make()) {
    clock().grace = 0s;  // what this process sends itself has arrived
  }

  Subject& subject() noexcept { return *subject_; }

  /// A task that waits.
  Task<std::string> start(const std::function<std::string()>& wait) {
    auto task = create_task(wait);
    testing::settle();
    subject_->began();
    CHECK_FALSE(task.done());
    return task;
  }
  Task<std::string> start() {
    return start([this] { return subject_->wait(); });
  }

  /// Wakes it, and lets others run until it is its turn to go on.
  void wake_to_the_brink(const Task<std::string>& task) {
    subject_->wake();
    while (!task.done() && !is_ready(task)) {
      detail::running_loop->handled = detail::LoopCore::kHandlesPerPoll;  // the system is asked
      yield_now();
    }
    CHECK_FALSE(task.done());
  }

  void check_ending(const Task<std::string>& task, const std::string& ending) {
    if (traits_.stays) {
      testing::settle();
      CHECK_FALSE(task.done());
      subject_->wake();
    }
    CHECK(outcome_of([&] { return task.await(); }) == ending);
  }

  /// What came is there.
  void check_kept(Keeps at_least) {
    if (traits_.keeps >= at_least)
      CHECK(outcome_of([&] { return subject_->wait(); }) == traits_.gives);
  }

  /// All works as it did at the beginning.
  void check_as_new() {
    subject_->again();
    auto task = start();
    subject_->wake();
    CHECK(outcome_of([&] { return task.await(); }) == traits_.gives);
  }

 private:
  static bool is_ready(const Task<std::string>& task) {
    const detail::Runnable* step = detail::Access::state(task)->task();
    for (const detail::Runnable* it = detail::running_loop->ready.front(); it; it = it->next)
      if (it == step) return true;
    return false;
  }

  const Traits& traits_;
  std::unique_ptr<Subject> subject_;
};

/// Counts exceptions that come up where none can be thrown, which must not be.
class NoUnraisable {
 public:
  NoUnraisable() = default;
  NoUnraisable(const NoUnraisable&) = delete;
  NoUnraisable& operator=(const NoUnraisable&) = delete;
  ~NoUnraisable() {
    set_unraisable_hook(before_);
    CHECK(errors_.empty());
  }

 private:
  std::string errors_;
  UnraisableHook before_ = set_unraisable_hook(
      [this](const std::exception_ptr& error, std::string_view) { errors_ += describe(error); });
};

/// Calls `body(row)` for each, and says for which something was wrong.
inline void for_each_row(const std::function<void(const Row&)>& body) {
  for (const Row& row : rows()) {
    INFO("of ", std::string(row.name));
    const NoUnraisable none;
    CHECK(outcome_of([&] { return body(row), "nothing wrong"; }) == "nothing wrong");
  }
}

/// The same in a loop with virtual time, of which nothing is left over.
inline void for_each_trial(
    const std::function<void(Trial&, const Traits&)>& body,
    const std::function<bool(const Row&)>& takes = [](const Row&) { return true; }) {
  for_each_row([&](const Row& row) {
    if (!takes(row)) return;
    testing::run([&] {
      Trial trial(row);
      body(trial, row.traits);
    });
  });
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
