#include <weft/testing/virtual_clock.h>

#include <algorithm>

namespace weft::testing {

namespace {

/// The present wait of this thread's loop. A wake-up that came with a callback which has been taken
/// already ends the next wait at once, and says nothing.
thread_local std::chrono::steady_clock::time_point waits_since;
thread_local Duration waits_for{};

std::optional<Duration> wait_for(Duration limit) noexcept {
  waits_since = std::chrono::steady_clock::now();
  waits_for = limit;
  return limit;
}

}  // namespace

std::optional<Duration> VirtualClock::before_wait(std::optional<TimePoint> deadline, bool outside) {
  if (deadline) return wait_for(outside && *deadline > now_ ? grace : Duration::zero());
  if (outside) return wait_for(kPatience);
  wait_for(Duration::zero());
  if (!on_idle_) return std::nullopt;
  on_idle_();
  return Duration::zero();
}

void VirtualClock::after_wait(std::optional<TimePoint> deadline, bool happened) {
  if (happened || std::chrono::steady_clock::now() - waits_since < waits_for) return;
  if (deadline)
    now_ = std::max(now_, *deadline);
  else if (on_idle_)
    on_idle_();
}

}  // namespace weft::testing
