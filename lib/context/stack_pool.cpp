#include "context/stack_pool.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/mman.h>

#include "context/guard.h"
#include "context/sanitizers.h"

namespace weft::detail {

namespace {

// Sixteen lines stay within the page that a parked task needs anyway.
constexpr std::size_t kColours = 16;
constexpr std::size_t kCacheLine = 64;

/// Used stacks that may lie idle; beyond that the coldest half gives its memory back, in one go:
/// taking it back from each stack that ends would cost more than the stack.
constexpr std::size_t kIdleStacks = 1024;

std::size_t colour_of(const std::byte* base, std::size_t slot) noexcept {
  return reinterpret_cast<std::uintptr_t>(base) / slot * 7 % kColours;
}

}  // namespace

StackPool::~StackPool() {
  for (const auto& slab : slabs_) {
    forget_slab(*slab);
    munmap(slab->base, slab->slot * kSlabSlots);
  }
}

Stack StackPool::take(std::size_t slot) {
  Shelf& shelf = shelves_[slot];
  if (shelf.slots.empty()) add_slab(shelf, slot);
  const auto [base, slab] = shelf.slots.back();
  shelf.slots.pop_back();
  shelf.clean = std::min(shelf.clean, shelf.slots.size());
  --statistics.pooled;
  ++statistics.in_use;
  statistics.high_water = std::max(statistics.high_water, statistics.in_use);
  return {base + kGuardSize, base + slot - colour_of(base, slot) * kCacheLine, slot, slab, nullptr};
}

void StackPool::give_back(const Stack& stack) noexcept {
  --statistics.in_use;
  ++statistics.pooled;
  Shelf& shelf = shelves_.find(stack.slot)->second;
  auto* slab = static_cast<Slab*>(stack.slab);
  slab->labels[slab->slot_of(stack.bottom)] = nullptr;
  shelf.slots.push_back({stack.bottom - kGuardSize, slab});  // has the capacity
  if (shelf.slots.size() - shelf.clean > kIdleStacks) trim(shelf, stack.slot);
}

void StackPool::trim(Shelf& shelf, std::size_t slot) noexcept {
  for (std::size_t i = 0; i < kIdleStacks / 2; ++i)
    madvise(shelf.slots[shelf.clean++].base + kGuardSize, slot - kGuardSize, MADV_DONTNEED);
}

const Slab* StackPool::find(const void* address) const noexcept {
  for (const auto& slab : slabs_)
    if (slab && slab->holds(address)) return slab.get();
  return nullptr;
}

void StackPool::add_slab(Shelf& shelf, std::size_t slot) {
  const std::size_t size = slot * kSlabSlots;
  if (shelf.slots.capacity() < shelf.made + kSlabSlots)
    shelf.slots.reserve(2 * (shelf.made + kSlabSlots));
  slabs_.push_back(std::make_unique<Slab>());
  Slab& slab = *slabs_.back();
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    slabs_.pop_back();
    throw std::system_error(error, std::generic_category(), "mmap of a slab of stacks");
  }
#ifdef MADV_NOHUGEPAGE
  madvise(memory, size, MADV_NOHUGEPAGE);  // or each stack takes 2 MiB where these are the default
#endif
  slab.base = static_cast<std::byte*>(memory);
  slab.slot = slot;
  try {
    install_guards(slab.base, slot, kSlabSlots);
  } catch (...) {
    slabs_.pop_back();
    munmap(memory, size);
    throw;
  }
  declare_slab(slab);
  for (std::size_t i = kSlabSlots; i-- > 0;) shelf.slots.push_back({slab.base + i * slot, &slab});
  shelf.made += kSlabSlots;
  shelf.clean = shelf.slots.size();
  statistics.pooled += kSlabSlots;
}

}  // namespace weft::detail
