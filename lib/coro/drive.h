// The pieces of a drive that loops and delegations share. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/coro/routine.h>

namespace weft::detail {

/// Inject is Throw, but a GeneratorExit does not close what is inside.
enum class Mode : std::uint8_t { Send, Throw, Inject, Close };

/// Gives a created routine its stack. Throws what acquire_stack does; it is then still created.
void begin(Routine& routine);

/// The same for one that nobody else refers to: its record moves to the top of the stack, where it
/// shares a page with the first frames. Returns where it is now.
Routine& begin_alone(Routine& routine);

/// Decides what a resumption of the chain of `from`, under the drive of `root`, meets: usually the
/// leaf, but its delegator if the leaf has ended meanwhile or runs for somebody else. Fills the
/// mailbox of that routine.
Routine& deliver(Routine& root, Routine& from, Mode mode, void* sent, std::exception_ptr error);

void hand_over(Routine& root, Routine& target) noexcept;

/// Switches to `target`, leaving the present context in `from`.
void enter(Context& from, Routine& target, bool fresh);

/// The same on the stack of one that has ended, whose record lies where the new one is to lie.
/// False if that does not do: then nothing has happened.
bool begin_instead(Routine& ended, Routine& fresh) noexcept;

/// The end of a routine, on its own stack. Returns if another one has begun in its place.
void finish(Routine& routine, std::exception_ptr&& error);

/// The stack of a closed routine goes back to the pool.
void retire_stack(Routine& routine) noexcept;

}  // namespace weft::detail
