// Chains of delegation: who is the leaf, who delegates to whom. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/coro/routine.h>

namespace weft::detail {

inline const LoopDriver& the_loop_driver() noexcept {
  return *loop_driver.load(std::memory_order_relaxed);
}

/// The routine that a resumption of `routine` resumes.
Routine& leaf_of(Routine& routine) noexcept;

/// It, or its leaf on its behalf, is running. (A leaf that runs for another owner does not make
/// this one's chain executing.)
bool is_executing(Routine& routine) noexcept;

/// The outermost member of its chain that is executing; null if none is.
Routine* executing_member(Routine& routine) noexcept;

/// The member of the chain from `root` that delegates to `routine`.
Routine& delegator_of(Routine& root, const Routine& routine) noexcept;

void link(Routine& delegator, Routine& target) noexcept;
void unlink(Routine& delegator) noexcept;

/// From the leaf of `from`'s chain, or the delegator of `until`, out to its base frame: a
/// suspension now is a refusal to end.
void mark_closing(Routine& from, const Routine* until = nullptr) noexcept;
void mark_closing(Frame& frame) noexcept;

/// What the end of frame `inner` means for its delegator: true if it goes on with the result, else
/// `error` is to be raised in it.
bool settle(const Frame& inner, Frame& delegator, bool returned, std::exception_ptr& error);

const char* name_of(RoutineKind kind) noexcept;

// The errors, with CPython's messages.
std::exception_ptr already_executing(RoutineKind kind);
std::exception_ptr ignored_exit(RoutineKind kind);
std::exception_ptr cannot_reuse();
std::exception_ptr stray_stop(RoutineKind kind, std::exception_ptr stop);
std::exception_ptr generator_exit();
bool is_generator_exit(const std::exception_ptr& error) noexcept;
bool is_async_stop(const std::exception_ptr& error) noexcept;

/// One of those that a body must not let out, since they would end who drives it.
bool is_stray_stop(RoutineKind kind, const std::exception_ptr& error) noexcept;

}  // namespace weft::detail
