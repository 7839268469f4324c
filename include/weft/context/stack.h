// Stacks for contexts: reserved in slabs, guarded, pooled. Layer: context.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace weft {

/// How large a stack is wanted.
struct StackOptions {
  /// Address space to reserve, the guard below included. Memory is used only as far as the stack
  /// has ever grown since it came from the pool. Rounded up to whole pages.
  ///
  /// Units: bytes; at least kMinimumStackSize.
  std::size_t size = 256 * 1024;
};

/// The smallest StackOptions::size: the guard and 16 KiB to live on.
inline constexpr std::size_t kMinimumStackSize = (64 + 16) * 1024;

/// What the present thread's pool holds.
struct StackStatistics {
  std::size_t in_use = 0;       ///< given to generators, coroutines and tasks
  std::size_t pooled = 0;       ///< waiting for the next one
  std::size_t quarantined = 0;  ///< abandoned in mid-frame, never to be used again
  std::size_t high_water = 0;   ///< the most ever in use at once
};

/// Thread: each thread has a pool of its own.
StackStatistics stack_statistics() noexcept;

/// How the pages below each stack are made to fault.
enum class GuardKind {
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
  unsigned int number = 0;  ///< in place of a name: "Task-17"
};

namespace detail {

/// One stack: usable from `bottom` (just above the guard) to `top` (exclusive, 64-aligned).
/// Tops are staggered, so that like frames of many stacks do not share cache sets.
struct Stack {
  std::byte* bottom = nullptr;
  std::byte* top = nullptr;
  std::size_t slot = 0;   // bytes reserved, guard included; names the pool it goes back to
  void* slab = nullptr;   // the mapping it is part of
  void* fiber = nullptr;  // ThreadSanitizer's name for it

  explicit operator bool() const noexcept { return bottom != nullptr; }
  std::size_t size() const noexcept { return std::size_t(top - bottom); }
};

/// Throws: ValueError that names `size` if it is too small; std::system_error that names mmap,
///         madvise or mprotect (and vm.max_map_count, if that is what ran out).
Stack acquire_stack(const StackOptions& options = {});

/// Back to the pool of this thread, last in first out. The stack must not be the running one.
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
