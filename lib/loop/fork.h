// What becomes of loops in a forked child. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/loop/core.h>

namespace weft::detail {

/// From now on a forked child is kept from using `loop`. Throws: std::system_error.
void guard_from_forks(LoopCore& loop);
void unguard_from_forks(LoopCore& loop) noexcept;

/// Of a thread that has forked while its loop ran, in the child: tasks that wait are the parent's,
/// and never go on here, so what they wait on may be destroyed.
bool has_parents_tasks() noexcept;

}  // namespace weft::detail
