// The stacks of one thread. Layer: context.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include <weft/context/stack.h>

namespace weft::detail {

/// Slots of a slab: 16 MiB of address space at the default size, one mapping.
inline constexpr std::size_t kSlabSlots = 64;

/// A mapping that is cut into stacks.
struct Slab {
  std::byte* base = nullptr;
  std::size_t slot = 0;
  std::array<const StackLabel*, kSlabSlots> labels{};   // who uses each slot, if anybody
  std::array<unsigned int, kSlabSlots> valgrind_ids{};  // under Valgrind: its names for the stacks

  bool holds(const void* address) const noexcept {
    return address >= base && address < base + slot * kSlabSlots;
  }
  std::size_t slot_of(const void* address) const noexcept {
    return std::size_t(static_cast<const std::byte*>(address) - base) / slot;
  }
};

/// Stacks of one size that nobody uses. The last one returned is the warmest and goes first.
/// Invariant: the first `clean` hold no memory.
struct Shelf {
  struct Slot {
    std::byte* base;
    Slab* slab;
  };
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

  Stack take(std::size_t slot);
  void give_back(const Stack& stack) noexcept;

  /// The slab that an address lies in, or null. Async-signal-safe.
  const Slab* find(const void* address) const noexcept;

  StackStatistics statistics;

 private:
  void add_slab(Shelf& shelf, std::size_t slot);
  void trim(Shelf& shelf, std::size_t slot) noexcept;

  std::map<std::size_t, Shelf> shelves_;
  std::vector<std::unique_ptr<Slab>> slabs_;
};

/// This thread's, or null.
StackPool* pool_of_thread() noexcept;

}  // namespace weft::detail
