// A clock that jumps when nothing is ready. Layer: testing.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include <weft/loop/clock.h>

namespace weft::testing {

/// Stands still while anything can run, and jumps to the next timer when nothing can: a day passes
/// in no time, and equal programs give equal times.
///
/// While a descriptor or thread is waited for as well, the loop really waits for `grace`
/// before the jump, so that what is under way can arrive.
///
/// Source: trio.testing.MockClock
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(TimePoint start = TimePoint{}) noexcept : now_(start) {}

  TimePoint now() const noexcept override { return now_; }

  /// Throws: what the idle handler throws.
  std::optional<Duration> before_wait(std::optional<TimePoint> deadline, bool outside) override;
  void after_wait(std::optional<TimePoint> deadline, bool happened) override;

  /// By hand; no timer runs before the next turn.
  void advance(Duration by) { now_ += by; }

  /// Called when nothing can ever happen again: no timer is set, and nothing outside is waited
  /// for, or it has not come for kPatience. It should stop the loop or throw.
  void set_idle_handler(std::function<void()> handler) { on_idle_ = std::move(handler); }

  static constexpr Duration kPatience = std::chrono::seconds(20);
  Duration grace = std::chrono::milliseconds(100);

 private:
  TimePoint now_;
  std::function<void()> on_idle_;
};

}  // namespace weft::testing
