#include <weft/sync/barrier.h>

namespace weft {

Barrier::Barrier(std::ptrdiff_t parties) : parties_(static_cast<std::size_t>(parties)) {
  if (parties < 1) throw ValueError("parties must be > 0");
}

std::size_t Barrier::wait() {
  while (state_ == State::Draining || state_ == State::Resetting) changes_.park("Barrier.wait");
  if (state_ == State::Broken) throw BrokenBarrierError("Barrier aborted");
  struct Stay {
    Barrier& barrier;
    ~Stay() { barrier.leave(); }
  } const stay{*this};
  const std::size_t index = count_++;
  if (count_ == parties_) {
    state_ = State::Draining;
    changes_.wake_all();
  } else {
    wait_for_parties();
  }
  return index;
}

void Barrier::wait_for_parties() {
  while (state_ == State::Filling) changes_.park("Barrier.wait");
  if (state_ != State::Draining) throw BrokenBarrierError("Abort or reset of barrier");
}

void Barrier::leave() noexcept {
  if (--count_ != 0) return;
  if (state_ != State::Broken) state_ = State::Filling;
  changes_.wake_all();
}

void Barrier::reset() noexcept {
  state_ = count_ > 0 ? State::Resetting : State::Filling;
  changes_.wake_all();
}

void Barrier::abort() noexcept {
  state_ = State::Broken;
  changes_.wake_all();
}

}  // namespace weft
