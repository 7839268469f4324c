// What happens when a stack overflows. Layer: context.
// SPDX-License-Identifier: MIT
#pragma once

namespace weft::detail {

/// Gives this thread a stack for signals, and makes a fault in a guard print who overflowed before
/// the process dies of it. Faults elsewhere go to whoever handled them before.
void watch_for_overflows() noexcept;

}  // namespace weft::detail
