// Time as event loops see it. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>

namespace weft {

/// Every span of time in weft. Any std::chrono duration converts to it.
using Duration = std::chrono::nanoseconds;

/// A point on a loop's clock. Comparable with std::chrono::steady_clock's for a MonotonicClock.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// `a + b`, stopping at the end of time instead of wrapping round.
TimePoint saturating_add(TimePoint a, Duration b) noexcept;

/// Where a loop's time comes from. A loop asks for it at each turn, and says when it is about to
/// wait, so that a clock of a test may jump instead.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual TimePoint now() const noexcept = 0;

  /// The loop has nothing to run before `deadline` (none: ever). `outside` tells whether something
  /// that the loop does not control, a descriptor or a thread, is waited for.
  ///
  /// Returns for how long it may block; none: until something happens.
  virtual std::optional<Duration> before_wait(std::optional<TimePoint> deadline, bool outside) = 0;

  /// The wait is over; `happened` tells whether something came from outside.
  virtual void after_wait(std::optional<TimePoint> deadline, bool happened) = 0;
};

/// The real one: std::chrono::steady_clock.
class MonotonicClock final : public Clock {
 public:
  TimePoint now() const noexcept override;
  std::optional<Duration> before_wait(std::optional<TimePoint> deadline, bool outside) override;
  void after_wait(std::optional<TimePoint>, bool) override {}
};

/// Stands still until its owner moves it: for programs that own their main loop, whose time is
/// that of a game or a simulation. See EventLoop::run_once().
///
/// A loop that waits does so for as long as if the clock ran along, but no time passes by that. So
/// a loop that run_forever() runs stays where it is, unless something that it runs steps the clock.
class SteppedClock final : public Clock {
 public:
  explicit SteppedClock(TimePoint start = TimePoint{}) noexcept : now_(start) {}

  /// Throws: ValueError that names `by` if it is negative.
  void step(Duration by);

  TimePoint now() const noexcept override { return now_; }
  std::optional<Duration> before_wait(std::optional<TimePoint> deadline, bool outside) override;
  void after_wait(std::optional<TimePoint>, bool) override {}

 private:
  TimePoint now_;
};

}  // namespace weft
