#include <weft/loop/handle.h>

#include <weft/loop/core.h>

namespace weft {

namespace detail {

constinit std::atomic<const ContextHooks*> context_hooks{nullptr};

Callback::~Callback() {
  if (context) context_hooks.load()->drop(context);
}

void retain(Callback& callback) noexcept { ++callback.references; }

void release(Callback* callback) noexcept {
  if (callback && --callback->references == 0) delete callback;
}

bool ReadyQueue::remove(const Runnable& runnable) noexcept {
  Runnable* previous = nullptr;
  for (Runnable* here = first_; here; previous = here, here = here->next) {
    if (here != &runnable) continue;
    (previous ? previous->next : first_) = here->next;
    if (last_ == here) last_ = previous;
    return true;
  }
  return false;
}

void LoopCore::add_watch(LinkedWatch& watch) noexcept {
  watch.next = watches;
  if (watches) watches->previous = &watch;
  watches = &watch;
  ++watched;
}

void LoopCore::remove_watch(LinkedWatch& watch) noexcept {
  (watch.previous ? watch.previous->next : watches) = watch.next;
  if (watch.next) watch.next->previous = watch.previous;
  watch.previous = watch.next = nullptr;
  --watched;
}

void LoopCore::keep(Kept& one) noexcept {
  one.next = kept;
  if (kept) kept->previous = &one;
  kept = &one;
}

void LoopCore::forget(Kept& one) noexcept {
  if (!one.previous && kept != &one) return;
  (one.previous ? one.previous->next : kept) = one.next;
  if (one.next) one.next->previous = one.previous;
  one.previous = one.next = nullptr;
}

void LoopCore::start_timer(Timer& timer, TimePoint when) {
  timer.when = when;
  timers.insert(timer);
}

void LoopCore::stop_timer(Timer& timer) noexcept {
  if (timer.index != Timer::kNotInHeap)
    timers.remove(timer);
  else
    ready.remove(timer);
}

}  // namespace detail

void Handle::cancel() noexcept {
  if (!callback_ || callback_->cancelled) return;
  callback_->cancelled = true;
  if (callback_->index == detail::Timer::kNotInHeap) return;  // passed over when its turn comes
  callback_->loop->timers.remove(*callback_);
  detail::release(callback_);
}

}  // namespace weft
