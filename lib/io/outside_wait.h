// A wait for what no task of the loop can bring about. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <weft/loop/core.h>
#include <weft/task/wait_queue.h>

namespace weft::detail {

/// One wait, in the frame of who waits. Whoever wakes it finds it in `place`. When it is cancelled
/// it gives the place up at once, so that another task may take it, or the object that it is in may
/// go, before this one unwinds.
class OutsideWait final : public Waiter {
 public:
  OutsideWait(Waiter*& place, LoopCore& loop) noexcept : place_(&place), loop_(loop) {
    place = this;
    ++loop_.outside;
  }
  ~OutsideWait() override { leave(); }

 private:
  void abandon() noexcept override { leave(); }
  void leave() noexcept {
    if (!place_) return;
    *std::exchange(place_, nullptr) = nullptr;
    --loop_.outside;
  }

  Waiter** place_;
  LoopCore& loop_;
};

}  // namespace weft::detail
