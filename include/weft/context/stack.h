// Stacks for contexts: reserved in slabs, guarded, pooled. Layer: context.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

/// How large a stack is wanted. Both are rounded up to whole pages.
struct StackOptions {
  /// Address space to reserve, the guard below included. Memory is used only as far as the stack
  /// has ever grown since it came from the pool.
  ///
  /// Units: bytes; at least `guard` and kMinimumStackRoom.
  std::size_t size = 256 * 1024;

  /// How much of it, at the low end, faults. A frame that is larger than this could jump over it,
  /// unless the code is compiled with -fstack-clash-protection, as weft itself is.
  ///
  /// Units: bytes; at least one.
  std::size_t guard = 64 * 1024;

  friend bool operator==(const StackOptions&, const StackOptions&) = default;
};

/// What a stack must have above its guard, to live on.
inline constexpr std::size_t kMinimumStackRoom = 16 * 1024;

/// What the present thread's pool holds.
struct StackStatistics {
  std::size_t in_use = 0;       ///< given to generators, coroutines and tasks
  std::size_t pooled = 0;       ///< waiting for the next one
  std::size_t quarantined = 0;  ///< abandoned in mid-frame, never to be used again
  std::size_t high_water = 0;   ///< the most ever in use at once
};

/// Thread: each thread has a pool of its own.
StackStatistics stack_statistics() noexcept;

/// The high-water mark of this thread's stacks: how deep the deepest one has been used since its
/// memory was last given back, the pooled ones included. For a single task: AnyTask::stack_used().
///
/// Units:  bytes, in whole pages. Takes time in proportion to the number of stacks.
/// Throws: std::system_error that names mincore.
std::size_t deepest_stack_use();

/// How the pages below each stack are made to fault.
enum class GuardKind : std::uint8_t {
  Light,    ///< MADV_GUARD_INSTALL: no mapping of its own (Linux 6.13 and later)
  Mprotect  ///< two mappings a stack; vm.max_map_count limits their number to about 32,000
};

/// The kind in use, chosen by a proof at first call: some systems accept the request for light
/// guards and install nothing. WEFT_STACK_GUARD=mprotect in the environment forces the other.
GuardKind guard_kind() noexcept;

/// Who uses a stack, for the report that is printed when it overflows. Its texts are read from a
/// signal handler, so they must stay where they are.
struct StackLabel {
  const char* kind = "context";  ///< "task", "generator"
  const char* name = nullptr;
  const char* file = nullptr;  ///< where it was made, if that is known
  unsigned int line = 0;
  unsigned int number = 0;       ///< in place of a name: "Task-17"
  const char* remedy = nullptr;  ///< how its stack is made larger: a sentence
};

namespace detail {

/// One stack: usable from `bottom` (just above the guard) to `top` (exclusive, 64-aligned).
/// Tops are staggered, so that like frames of many stacks do not share cache sets.
struct Stack {
  std::byte* bottom = nullptr;
  std::byte* top = nullptr;
  void* slab = nullptr;   // the mapping it is part of
  std::size_t index = 0;  // which of its slots
  void* fiber = nullptr;  // ThreadSanitizer's name for it

  explicit operator bool() const noexcept { return bottom != nullptr; }
  std::size_t size() const noexcept { return std::size_t(top - bottom); }
};

/// Throws: ValueError that names `size` or `guard` if that is too small or too large.
void check_stack(const StackOptions& options);

/// Throws: as check_stack(); std::system_error that names mmap or mprotect (and vm.max_map_count,
///         if that may be what ran out).
Stack acquire_stack(const StackOptions& options = {});

/// Back to the pool of this thread, last in first out. The stack must not be the running one, nor
/// free already (checked in every build; the process is aborted).
void release_stack(const Stack& stack) noexcept;

/// Says who uses the stack, until it is released. `label` must live as long.
void set_label(const Stack& stack, const StackLabel* label) noexcept;

/// How deep the stack has been used since its memory was last given back.
/// Units: bytes, in whole pages. Throws: std::system_error that names mincore.
std::size_t used_size(const Stack& stack);

/// A stack whose frames were abandoned: other objects may still point into it.
void quarantine_stack(const Stack& stack) noexcept;

}  // namespace detail

}  // namespace weft
