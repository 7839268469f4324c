#include <weft/loop/core.h>

namespace weft::detail {

namespace {

constexpr std::size_t kChildren = 4;

bool before(const Timer& a, const Timer& b) noexcept {
  return a.when != b.when ? a.when < b.when : a.sequence < b.sequence;
}

}  // namespace

void TimerHeap::insert(Timer& timer) {
  timer.sequence = ++insertions_;
  timers_.push_back(&timer);
  timer.index = timers_.size() - 1;
  sift_up(timer.index);
}

void TimerHeap::remove(Timer& timer) noexcept {
  const std::size_t hole = timer.index;
  Timer* last = timers_.back();
  timers_.pop_back();
  timer.index = Timer::kNotInHeap;
  if (last == &timer) return;
  place(hole, last);
  sift_up(hole);
  sift_down(last->index);
}

void TimerHeap::place(std::size_t index, Timer* timer) noexcept {
  timers_[index] = timer;
  timer->index = index;
}

void TimerHeap::sift_up(std::size_t index) noexcept {
  Timer* timer = timers_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / kChildren;
    if (!before(*timer, *timers_[parent])) break;
    place(index, timers_[parent]);
    index = parent;
  }
  place(index, timer);
}

void TimerHeap::sift_down(std::size_t index) noexcept {
  Timer* timer = timers_[index];
  for (;;) {
    const std::size_t first = index * kChildren + 1;
    if (first >= timers_.size()) break;
    const std::size_t end = std::min(first + kChildren, timers_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child)
      if (before(*timers_[child], *timers_[least])) least = child;
    if (!before(*timers_[least], *timer)) break;
    place(index, timers_[least]);
    index = least;
  }
  place(index, timer);
}

}  // namespace weft::detail
