// Hearing of the ends of several futures. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <weft/task/future_base.h>

namespace weft::detail {

/// What listens to futures, and is told of each when it is done, in the order in which they end.
///
/// It stays alive, by hold(), while it is told of or may be: so whoever made it may go. A loop that
/// is closed lets go of those that are left.
///
/// Invariant: `outstanding_` nodes stand on a future or in the ready queue; it is in the loop's
/// list, and held, while there are any.
class Listening : private Kept {
 public:
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  /// Hears nothing more of those that are not done. With `ignore_errors` nobody does: their
  /// exceptions are not reported.
  void leave(bool ignore_errors = false) noexcept;

 protected:
  struct Node : Runnable {
    Listening* owner = nullptr;
    FutureBase* future = nullptr;
    bool on_future = false;
    Node() noexcept : Runnable(&Listening::hear) {}
  };

  Listening() noexcept : Kept{&Listening::loop_closes} {}
  ~Listening() = default;

  /// Adds its callbacks, in this order. The futures must outlive it. Once only.
  void listen(LoopCore& loop, const std::vector<FutureBase*>& futures);

  virtual void on_done(FutureBase& future) = 0;
  virtual void hold() noexcept = 0;
  virtual void let_go() noexcept = 0;  // may destroy it

  std::size_t size() const noexcept { return size_; }

 private:
  static void hear(Runnable* self);
  static void loop_closes(Kept* self) noexcept;
  void settle(std::size_t nodes) noexcept;

  LoopCore* loop_ = nullptr;
  std::unique_ptr<Node[]> nodes_;
  std::size_t size_ = 0;
  std::size_t outstanding_ = 0;
};

/// The same futures, each once, in the order in which they first come.
std::vector<FutureBase*> without_duplicates(const std::vector<FutureBase*>& futures);

/// Throws: ValueError if one belongs to another loop.
void check_loop(const std::vector<FutureBase*>& futures, const LoopCore& loop);

}  // namespace weft::detail
