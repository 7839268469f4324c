// Leaving a coroutine, and coming back. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/coro/routine.h>

namespace weft::detail {

/// A coroutine may suspend from the stack of a generator that it drives. The drives between its
/// own and the present one are cut off while it is away, and put on top of whoever resumes it.
class NestedDrives {
 public:
  explicit NestedDrives(Routine& routine) noexcept;
  bool any() const noexcept { return outermost_ != nullptr; }
  void cut() const noexcept { coro_thread.drive = routine_.root; }
  void splice() const noexcept;

 private:
  Routine& routine_;
  Routine* innermost_;
  Routine* outermost_ = nullptr;
};

/// One suspension of a frame's routine, from the checks before to the mail behind.
class Suspension {
 public:
  /// Throws: RuntimeError if the frame is not the one that runs.
  Suspension(Frame& frame, bool delegating);
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;
  ~Suspension() { frame_.delegating = was_delegating_; }

  /// Where the present context is to be kept; the routine does not run from here on.
  Context& context() noexcept;
  const NestedDrives& nested() const noexcept { return nested_; }

  /// To be called behind the switch.
  void come_back();

  /// The same, and returns what was sent or throws what was thrown.
  void* resumed();

 private:
  Frame& frame_;
  Routine& home_;
  const NestedDrives nested_;
  bool was_delegating_;
};

}  // namespace weft::detail
