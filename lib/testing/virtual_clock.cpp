#include <weft/testing/virtual_clock.h>

#include <algorithm>

namespace weft::testing {

std::optional<Duration> VirtualClock::before_wait(std::optional<TimePoint> deadline, bool outside) {
  if (deadline) return outside && *deadline > now_ ? grace : Duration::zero();
  if (outside) return kPatience;
  if (!on_idle_) return std::nullopt;
  on_idle_();
  return Duration::zero();
}

void VirtualClock::after_wait(std::optional<TimePoint> deadline, bool happened) {
  if (happened) return;
  if (deadline)
    now_ = std::max(now_, *deadline);
  else if (on_idle_)
    on_idle_();
}

}  // namespace weft::testing
