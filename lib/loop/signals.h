// Signals, told to the loop that asked for them. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include <weft/loop/core.h>

#include "loop/standing_call.h"

namespace weft::detail {

/// Those of one loop, by signal.
struct SignalHandlers : std::map<int, StandingCall> {};

/// What EventLoop::add_signal_handler() and remove_signal_handler() do.
void set_signal_handler(LoopCore& loop, int signal, std::function<void()> function);
bool drop_signal_handler(LoopCore& loop, int signal);

/// Sets a handler for the time being, and gives the present one.
/// Throws: as EventLoop::add_signal_handler().
StandingCall exchange_signal_handler(LoopCore& loop, int signal, StandingCall handler);

/// True for one that has come and has yet to be told to the loop.
bool is_pending(const LoopCore& loop, int signal) noexcept;

/// In a forked child: what the loops have caught does again what it did before.
void forget_signals() noexcept;

}  // namespace weft::detail
