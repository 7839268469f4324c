// A callback that is called again and again. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include <weft/loop/core.h>

namespace weft::detail {

/// Nothing, or what is called each time something happens: always in one context, a copy of that in
/// which it was set. It stands in the ready queue once at most, so clear() reaches every call of
/// it.
class StandingCall {
 public:
  explicit operator bool() const noexcept { return bool(owner_); }

  /// Replaces the one set before. `what` and `number` are for reports: "reader of descriptor", 5.
  void set(LoopCore& core, const char* what, int number, std::function<void()> function);
  void clear() noexcept;

  bool is_ready() const noexcept;
  friend bool operator==(const StandingCall& a, const StandingCall& b) noexcept {
    return a.call_ == b.call_;
  }

  /// It is called in the batch that comes. No effect if it is ready, or there is nothing.
  void make_ready() noexcept;

 private:
  struct Call;

  Call* call_ = nullptr;
  Handle owner_;
};

}  // namespace weft::detail
