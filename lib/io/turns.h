// Calls that are served at once must not keep other tasks from running. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

namespace weft::detail {

/// So many calls in a row may be served without a wait.
inline constexpr int kCallsPerTurn = 64;

/// To be called before each system call that may be served at once. A task that has made
/// kCallsPerTurn of them in the same step gives up a turn: others run, and it can be cancelled,
/// however fast its peer is. Nothing has been read or written then, so nothing is lost.
void count_call();

}  // namespace weft::detail
