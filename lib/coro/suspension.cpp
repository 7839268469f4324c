#include "coro/suspension.h"

#include <weft/base/errors.h>
#include <weft/coro/unsuspendable.h>

namespace weft::detail {

void check_may_suspend(const Routine& coroutine) {
  for (const Unsuspendable* it = coro_thread.unsuspendable; it; it = it->outer)
    if (it->routine == &coroutine)
      throw RuntimeError("a wait inside a NoSuspend block: nothing here may be suspended");
}

NestedDrives::NestedDrives(Routine& routine) noexcept
    : routine_(routine), innermost_(coro_thread.drive) {
  for (Routine* drive = innermost_; drive && drive != routine.root; drive = drive->outer_drive)
    outermost_ = drive;
}

void NestedDrives::splice() const noexcept {
  if (!outermost_) return;
  outermost_->outer_drive = routine_.root;
  coro_thread.drive = innermost_;
}

Suspension::Suspension(Frame& frame, bool delegating)
    : frame_(frame), home_(*frame.home), nested_(home_), was_delegating_(frame.delegating) {
  if (!home_.running || home_.top != &frame || (nested_.any() && !may_wait(home_.kind)))
    throw RuntimeError("a generator can only yield from its own body");
  if (!delegating) return;
  frame.delegating = true;
  frame.since = home_.root->serial;
}

Context& Suspension::context() noexcept {
  home_.running = false;
  return home_.context;
}

void Suspension::come_back() { nested_.splice(); }

void* Suspension::resumed() {
  come_back();
  if (home_.thrown) std::rethrow_exception(std::exchange(home_.thrown, nullptr));
  return home_.received;
}

}  // namespace weft::detail
