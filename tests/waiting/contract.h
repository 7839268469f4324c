// Functions that wait, in one form, so that all can be put through the cases of cases.h. A program
// of tests lists its own in waiting::rows(), and includes that in the same file.
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
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/loop/core.h>
#include <weft/task/task.h>
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

}  // namespace waiting
