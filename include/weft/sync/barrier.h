// A place where tasks wait until all have come. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/base/errors.h>
#include <weft/task/wait_queue.h>

namespace weft {

/// The barrier was aborted, or reset while tasks waited.
class BrokenBarrierError : public detail::Kind<BrokenBarrierError, RuntimeError> {
 public:
  static constexpr const char* kName = "BrokenBarrierError";
  using Kind::Kind;
};

/// Holds tasks until `parties` of them have come, and then lets all of them pass; again and again.
///
/// Thread: the loop's.
/// Source: asyncio.Barrier. Differs: reset() and abort() do not suspend, as asyncio's never do
///         either. A task that waits for the parties and is cancelled leaves: one more has to come.
class Barrier {
 public:
  /// Throws: ValueError unless `parties` > 0.
  explicit Barrier(std::ptrdiff_t parties);
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  /// Requires: no task waits, nor has yet to go on (checked in every build; the process is
  ///           aborted).
  ~Barrier() { changes_.require_deserted(); }

  /// Waits for the others. Returns in which place this task came: 0 for the first, parties() - 1
  /// for the last, who did not have to wait. (If one that came before is cancelled, the next to
  /// come has the same number as another, as in asyncio.)
  ///
  /// Suspends:  until all have come; before that, while those of the round before have yet to pass.
  /// Cancelled: CancelledError; the task does not count any more.
  /// Throws:    BrokenBarrierError if the barrier is broken, or becomes so or is reset meanwhile.
  ///            RuntimeError if it would suspend outside a task.
  std::size_t wait();

  /// Makes it as new. Those who wait for the others are sent away with a BrokenBarrierError, and
  /// who comes before the last of these has gone waits for that.
  void reset() noexcept;

  /// Breaks it: all who wait, and all who come, get a BrokenBarrierError, until a reset().
  void abort() noexcept;

  std::size_t parties() const noexcept { return parties_; }

  /// How many wait for the others at present.
  std::size_t n_waiting() const noexcept { return state_ == State::Filling ? count_ : 0; }

  bool broken() const noexcept { return state_ == State::Broken; }

 private:
  enum class State : std::uint8_t { Filling, Draining, Resetting, Broken };

  void wait_for_parties();
  void leave() noexcept;

  State state_ = State::Filling;
  std::size_t parties_;
  std::size_t count_ = 0;  // tasks between their arrival and their end of wait()
  WaitQueue changes_;      // of the state
};

}  // namespace weft
