// A block in which nothing may wait. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/coro/unsuspendable.h>

namespace weft {

/// While it lives, the task or coroutine that made it must not be suspended: a call that would,
/// from any depth, throws RuntimeError instead. For code that others must not see half-way:
///
///     const NoSuspend together;
///     account.take(amount);  // if this comes to wait, it says so at once
///     other.put(amount);
///
/// Generators and coroutines that are driven by hand inside the block may suspend: that leads back
/// into it. A generator's own yield is not looked at. Outside coroutines it has no effect.
class NoSuspend {
 public:
  NoSuspend();
  NoSuspend(const NoSuspend&) = delete;
  NoSuspend& operator=(const NoSuspend&) = delete;
  ~NoSuspend();

 private:
  detail::Unsuspendable scope_;
};

}  // namespace weft
