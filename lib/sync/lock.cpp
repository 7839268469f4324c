#include <weft/sync/lock.h>

#include <weft/base/errors.h>

namespace weft {

bool Lock::try_lock() noexcept {
  if (locked_ || !waiters_.idle()) return false;
  return locked_ = true;
}

void Lock::acquire() {
  if (try_lock()) return;
  detail::Turn turn(waiters_);
  try {
    turn.wait("Lock.acquire");
  } catch (...) {
    if (!locked_) waiters_.wake_first();  // a release may have met this one, woken or cancelled
    throw;
  }
  locked_ = true;
}

void Lock::release() {
  if (forgiven_ != 0) {
    --forgiven_;
    return;
  }
  if (!locked_) throw RuntimeError("Lock is not acquired.");
  locked_ = false;
  waiters_.wake_first();
}

}  // namespace weft
