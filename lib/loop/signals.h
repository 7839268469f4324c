// Signals, told to the loop that asked for them. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <weft/loop/core.h>

namespace weft::detail {

/// From now on `signal` sets its bit in `loop.signals` and wakes the loop.
/// Throws: ValueError, RuntimeError or std::system_error; see EventLoop::add_signal_handler().
void catch_signal(int signal, LoopCore& loop);

/// The disposition that was there before comes back.
void restore_signal(int signal) noexcept;

}  // namespace weft::detail
