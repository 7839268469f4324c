#include <weft/context/stack.h>

#include <algorithm>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include <weft/base/errors.h>

#include "base/assert.h"
#include "context/guard.h"
#include "context/sanitizers.h"

namespace weft {

namespace detail {

namespace {

// Slots of a slab: 16 MiB of address space at the default size, one mapping.
constexpr std::size_t kSlabSlots = 64;

// Sixteen lines stay within the page that a parked task needs anyway.
constexpr std::size_t kColours = 16;
constexpr std::size_t kCacheLine = 64;

/// Stacks of one size that nobody uses. The last one returned is the warmest and goes first.
struct Shelf {
  std::vector<std::byte*> slots;
  std::size_t made = 0;  // counts all slots of this size, to stagger their tops
};

struct Slab {
  std::byte* base;
  std::size_t slot;
};

class StackPool {
 public:
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  ~StackPool() {
    for (const Slab& slab : slabs_) {
      forget_slab(slab.base, slab.slot, kSlabSlots);
      munmap(slab.base, slab.slot * kSlabSlots);
    }
  }

  bool is_idle() const noexcept { return statistics.in_use == 0 && statistics.quarantined == 0; }

  Stack take(std::size_t slot) {
    Shelf& shelf = shelves_[slot];
    if (shelf.slots.empty()) add_slab(shelf, slot);
    std::byte* base = shelf.slots.back();
    shelf.slots.pop_back();
    --statistics.pooled;
    ++statistics.in_use;
    statistics.high_water = std::max(statistics.high_water, statistics.in_use);
    return {base + kGuardSize, base + slot - colour_of(base, slot) * kCacheLine, slot, nullptr};
  }

  void give_back(const Stack& stack) noexcept {
    --statistics.in_use;
    ++statistics.pooled;
    shelves_[stack.slot].slots.push_back(stack.bottom - kGuardSize);  // has the capacity
  }

  StackStatistics statistics;

 private:
  static std::size_t colour_of(const std::byte* base, std::size_t slot) noexcept {
    return reinterpret_cast<std::uintptr_t>(base) / slot * 7 % kColours;
  }

  void add_slab(Shelf& shelf, std::size_t slot) {
    const std::size_t size = slot * kSlabSlots;
    shelf.slots.reserve(shelf.made + kSlabSlots);
    slabs_.reserve(slabs_.size() + 1);
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
      throw std::system_error(errno, std::generic_category(), "mmap of a slab of stacks");
    auto* base = static_cast<std::byte*>(memory);
#ifdef MADV_NOHUGEPAGE
    madvise(base, size, MADV_NOHUGEPAGE);  // or each stack takes 2 MiB where these are the default
#endif
    try {
      install_guards(base, slot, kSlabSlots);
    } catch (...) {
      munmap(base, size);
      throw;
    }
    declare_slab(base, slot, kSlabSlots);
    slabs_.push_back({base, slot});
    for (std::size_t i = kSlabSlots; i-- > 0;) shelf.slots.push_back(base + i * slot);
    shelf.made += kSlabSlots;
    statistics.pooled += kSlabSlots;
  }

  std::map<std::size_t, Shelf> shelves_;
  std::vector<Slab> slabs_;
};

// A plain pointer, good for as long as anything runs on the thread: a suspended generator may be a
// static variable, and those are destroyed after what is thread_local.
constinit thread_local StackPool* thread_pool = nullptr;

/// A thread that ends with stacks in use leaves their memory where it is.
struct PoolOwner {
  ~PoolOwner() {
    if (thread_pool->is_idle()) delete std::exchange(thread_pool, nullptr);
  }
};

StackPool& pool() {
  if (!thread_pool) {
    thread_pool = new StackPool;
    static thread_local PoolOwner owner;
  }
  return *thread_pool;
}

std::size_t slot_size(const StackOptions& options) {
  if (options.size < kMinimumStackSize)
    throw ValueError("size: a stack needs at least " + std::to_string(kMinimumStackSize) +
                     " bytes, not " + std::to_string(options.size));
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  return (options.size + page - 1) / page * page;
}

}  // namespace

Stack acquire_stack(const StackOptions& options) {
  prepare_thread();
  Stack stack = pool().take(slot_size(options));
  clean_stack(stack);
  create_fiber(stack);
  return stack;
}

void release_stack(const Stack& stack) noexcept {
  destroy_fiber(stack);
  pool().give_back(stack);
}

void quarantine_stack(const Stack&) noexcept {
  StackStatistics& statistics = pool().statistics;
  --statistics.in_use;
  ++statistics.quarantined;
}

}  // namespace detail

StackStatistics stack_statistics() noexcept {
  return detail::thread_pool ? detail::thread_pool->statistics : StackStatistics{};
}

}  // namespace weft
