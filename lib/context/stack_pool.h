// The stacks of one thread. Layer: context.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <weft/context/stack.h>

namespace weft::detail {

/// Rounded up to whole pages.
std::size_t in_pages(std::size_t size) noexcept;

/// Slots of a slab: 16 MiB of address space at the default size, one mapping.
inline constexpr std::size_t kSlabSlots = 64;

struct Shelf;

/// A mapping that is cut into stacks.
struct Slab {
  std::byte* base = nullptr;
  Shelf* shelf = nullptr;
  std::size_t slot = 0;                                 // StackOptions::size, in whole pages
  std::size_t stride = 0;                               // from one slot to the next
  std::size_t guard = 0;                                // the same of StackOptions::guard
  std::uint64_t in_use = 0;                             // bit i for slot i
  std::array<const StackLabel*, kSlabSlots> labels{};   // who uses each slot, if anybody
  std::array<unsigned int, kSlabSlots> valgrind_ids{};  // under Valgrind: its names for the stacks

  bool holds(const void* address) const noexcept {
    return address >= base && address < base + stride * kSlabSlots;
  }
  std::size_t index_of(const void* address) const noexcept {
    return std::size_t(static_cast<const std::byte*>(address) - base) / stride;
  }
  std::byte* bottom_of(std::size_t index) const noexcept {
    return base + (index + 1) * stride - (slot - guard);
  }

  /// How deep a slot has been used. Units: bytes. Throws: std::system_error that names mincore.
  std::size_t used_size(std::size_t index) const;
};
static_assert(kSlabSlots == 64, "or Slab::in_use has not a bit for each");

/// Stacks of one size that nobody uses. The last one returned is the warmest and goes first.
/// Invariant: the first `clean` hold no memory.
struct Shelf {
  struct Slot {
    Slab* slab;
    std::size_t index;
  };
  std::size_t slot = 0;
  std::size_t guard = 0;
  std::vector<Slot> slots;
  std::size_t made = 0;
  std::size_t clean = 0;
};

class StackPool {
 public:
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;
  ~StackPool();

  bool is_idle() const noexcept { return statistics.in_use == 0 && statistics.quarantined == 0; }

  Stack take(const StackOptions& options);
  void give_back(const Stack& stack) noexcept;

  /// The slab that an address lies in, or null. Async-signal-safe.
  const Slab* find(const void* address) const noexcept;

  std::size_t deepest_use() const;

  StackStatistics statistics;

 private:
  Shelf& shelf_for(const StackOptions& options);
  void add_slab(Shelf& shelf);
  void trim(Shelf& shelf) noexcept;

  std::map<std::pair<std::size_t, std::size_t>, Shelf> shelves_;  // by size and guard
  Shelf* recent_ = nullptr;  // what the last one was taken from
  StackOptions recent_options_;
  std::vector<std::unique_ptr<Slab>> slabs_;
};

/// This thread's, or null.
StackPool* pool_of_thread() noexcept;

}  // namespace weft::detail
