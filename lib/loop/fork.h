// What becomes of loops in a forked child. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/loop/core.h>

namespace weft::detail {

/// From now on a forked child is kept from using `loop`. Throws: std::system_error.
void guard_from_forks(LoopCore& loop);
void unguard_from_forks(LoopCore& loop) noexcept;

}  // namespace weft::detail
