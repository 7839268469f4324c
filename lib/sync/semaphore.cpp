#include <weft/sync/semaphore.h>

#include <weft/base/errors.h>

namespace weft {

Semaphore::Semaphore(std::ptrdiff_t value, std::ptrdiff_t bound) : value_(value), bound_(bound) {
  if (value < 0) throw ValueError("Semaphore initial value must be >= 0");
}

bool Semaphore::try_acquire() noexcept {
  if (locked()) return false;
  --value_;
  return true;
}

void Semaphore::acquire() {
  if (try_acquire()) return;
  detail::Turn turn(waiters_);
  try {
    turn.wait("Semaphore.acquire");
  } catch (...) {
    if (turn.woken()) give();
    throw;
  }
  if (value_ > 0) wake_next();
}

void Semaphore::release() {
  if (value_ >= bound_) throw ValueError("BoundedSemaphore released too many times");
  give();
}

void Semaphore::give() noexcept {
  ++value_;
  wake_next();
}

/// The permit is the waiter's from here on.
void Semaphore::wake_next() noexcept {
  if (waiters_.wake_one()) --value_;
}

}  // namespace weft
