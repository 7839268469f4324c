#include <weft/loop/clock.h>

#include <string>

#include <weft/base/errors.h>

namespace weft {

namespace {

/// None if there is no deadline; a past one may be so far away that the difference overflows.
std::optional<Duration> time_until(std::optional<TimePoint> deadline, TimePoint present) noexcept {
  if (!deadline) return std::nullopt;
  return *deadline <= present ? Duration::zero() : *deadline - present;
}

}  // namespace

TimePoint saturating_add(TimePoint a, Duration b) noexcept {
  if (b > Duration::zero() && a > TimePoint::max() - b) return TimePoint::max();
  if (b < Duration::zero() && a < TimePoint::min() - b) return TimePoint::min();
  return a + b;
}

TimePoint MonotonicClock::now() const noexcept {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

std::optional<Duration> MonotonicClock::before_wait(std::optional<TimePoint> deadline, bool) {
  return time_until(deadline, now());
}

void SteppedClock::step(Duration by) {
  if (by < Duration::zero())
    throw ValueError("by: " + std::to_string(by.count()) + " ns would turn the clock back");
  now_ = saturating_add(now_, by);
}

std::optional<Duration> SteppedClock::before_wait(std::optional<TimePoint> deadline, bool) {
  return time_until(deadline, now_);
}

}  // namespace weft
