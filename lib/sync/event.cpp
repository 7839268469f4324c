#include <weft/sync/event.h>

namespace weft {

void Event::set() noexcept {
  if (set_) return;
  set_ = true;
  waiters_.wake_all();
}

void Event::wait() {
  if (!set_) waiters_.park("Event.wait");
}

}  // namespace weft
