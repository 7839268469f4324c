#include <weft/loop/clock.h>

namespace weft {

TimePoint saturating_add(TimePoint a, Duration b) noexcept {
  if (b > Duration::zero() && a > TimePoint::max() - b) return TimePoint::max();
  if (b < Duration::zero() && a < TimePoint::min() - b) return TimePoint::min();
  return a + b;
}

TimePoint MonotonicClock::now() const noexcept {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

std::optional<Duration> MonotonicClock::before_wait(std::optional<TimePoint> deadline, bool) {
  if (!deadline) return std::nullopt;
  const TimePoint present = now();
  return *deadline <= present ? Duration::zero() : *deadline - present;
}

}  // namespace weft
