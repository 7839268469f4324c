#include "context/stack_pool.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
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

/// At distances of a power of two the pages of all stacks would share a few sets of the TLB, and
/// their entries in the page tables a few of the cache.
std::size_t odd_pages(std::size_t size) noexcept {
  const std::size_t page = in_pages(1);
  return size / page % 2 == 1 ? size : size + page;
}

}  // namespace

std::size_t in_pages(std::size_t size) noexcept {
  static const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

StackPool::~StackPool() {
  for (const auto& slab : slabs_) {
    forget_slab(*slab);
    munmap(slab->base, slab->stride * kSlabSlots);
  }
}

Shelf& StackPool::shelf_for(const StackOptions& options) {
  if (recent_ && options == recent_options_) return *recent_;
  check_stack(options);
  const std::size_t slot = in_pages(options.size);
  const std::size_t guard = in_pages(options.guard);
  Shelf& shelf = shelves_[{slot, guard}];
  shelf.slot = slot;
  shelf.guard = guard;
  recent_ = &shelf;
  recent_options_ = options;
  return shelf;
}

Stack StackPool::take(const StackOptions& options) {
  Shelf& shelf = shelf_for(options);
  if (shelf.slots.empty()) add_slab(shelf);
  const auto [slab, index] = shelf.slots.back();
  shelf.slots.pop_back();
  shelf.clean = std::min(shelf.clean, shelf.slots.size());
  --statistics.pooled;
  ++statistics.in_use;
  statistics.high_water = std::max(statistics.high_water, statistics.in_use);
  slab->in_use |= std::uint64_t(1) << index;
  std::byte* const bottom = slab->bottom_of(index);
  std::byte* const end = bottom + (slab->slot - slab->guard);
  return {bottom, end - index * 7 % kColours * kCacheLine, slab, index, nullptr};
}

void StackPool::give_back(const Stack& stack) noexcept {
  --statistics.in_use;
  ++statistics.pooled;
  auto* slab = static_cast<Slab*>(stack.slab);
  Shelf& shelf = *slab->shelf;
  const std::uint64_t bit = std::uint64_t(1) << stack.index;
  WEFT_ASSERT((slab->in_use & bit) && "a stack is released twice");
  slab->in_use &= ~bit;
  slab->labels[stack.index] = nullptr;
  shelf.slots.push_back({slab, stack.index});  // has the capacity
  if (shelf.slots.size() - shelf.clean > kIdleStacks) trim(shelf);
}

void StackPool::trim(Shelf& shelf) noexcept {
  for (std::size_t i = 0; i < kIdleStacks / 2; ++i) {
    const auto [slab, index] = shelf.slots[shelf.clean++];
    madvise(slab->bottom_of(index), slab->slot - slab->guard, MADV_DONTNEED);
  }
}

std::size_t Slab::used_size(std::size_t index) const {
  const std::size_t page = in_pages(1);
  std::vector<unsigned char> resident((slot - guard) / page);
  if (mincore(bottom_of(index), slot - guard, resident.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "mincore of a stack");
  const auto deepest =
      std::ranges::find_if(resident, [](unsigned char bits) { return (bits & 1) != 0; });
  return std::size_t(resident.end() - deepest) * page;
}

std::size_t StackPool::deepest_use() const {
  std::size_t deepest = 0;
  for (const auto& slab : slabs_)
    for (std::size_t i = 0; i < kSlabSlots; ++i) deepest = std::max(deepest, slab->used_size(i));
  return deepest;
}

const Slab* StackPool::find(const void* address) const noexcept {
  for (const auto& slab : slabs_)
    if (slab && slab->holds(address)) return slab.get();
  return nullptr;
}

void StackPool::add_slab(Shelf& shelf) {
  const std::size_t stride = odd_pages(shelf.slot);  // what that adds belongs to the guard
  const std::size_t size = stride * kSlabSlots;
  if (shelf.slots.capacity() < shelf.made + kSlabSlots)
    shelf.slots.reserve(2 * (shelf.made + kSlabSlots));
  slabs_.push_back(std::make_unique<Slab>());
  Slab& slab = *slabs_.back();
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    slabs_.pop_back();
    throw std::system_error(error, std::generic_category(),
                            guard_kind() == GuardKind::Light
                                ? "mmap of a slab of stacks"
                                : "mmap of a slab of stacks; each takes two mappings, see "
                                  "vm.max_map_count");
  }
#ifdef MADV_NOHUGEPAGE
  madvise(memory, size, MADV_NOHUGEPAGE);  // or each stack takes 2 MiB where these are the default
#endif
  slab.base = static_cast<std::byte*>(memory);
  slab.shelf = &shelf;
  slab.slot = shelf.slot;
  slab.stride = stride;
  slab.guard = shelf.guard;
  try {
    install_guards(slab.base, stride, stride - (slab.slot - slab.guard), kSlabSlots);
  } catch (...) {
    slabs_.pop_back();
    munmap(memory, size);
    throw;
  }
  declare_slab(slab);
  for (std::size_t i = kSlabSlots; i-- > 0;) shelf.slots.push_back({&slab, i});
  shelf.made += kSlabSlots;
  shelf.clean = shelf.slots.size();
  statistics.pooled += kSlabSlots;
}

}  // namespace weft::detail
