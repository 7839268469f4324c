// Tasks that have been made and not begun come by the thousand and go in the order in which they
// came. From the allocator their records would leave holes between what stays, too small to be
// given back to the system. Here they are laid one behind the other into blocks, and a block whose
// records have all gone is used again, or given back.

#include "coro/fleeting.h"

#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

#include <sys/mman.h>

#include <weft/coro/routine.h>

#include "context/sanitizers.h"

namespace weft::detail {

namespace {

constexpr std::size_t kBlockSize = 256 * 1024;  // and so are they aligned
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSpareBlocks = 4;

std::atomic<std::size_t> block_count{0};

/// Invariant: `live` counts the records, and one for the thread that still adds to it. Whoever
/// counts it down to nothing disposes of the block.
struct alignas(kAlignment) Block {
  std::atomic<std::size_t> live{1};
  std::size_t used = sizeof(Block);
  const void* home;
  Block* next = nullptr;

  explicit Block(const void* thread) noexcept : home(thread) {}

  static Block& of(void* record) noexcept {
    auto* const place = static_cast<std::byte*>(record);
    return *reinterpret_cast<Block*>(place - reinterpret_cast<std::uintptr_t>(place) % kBlockSize);
  }
};

/// Null if the system gives none.
void* map_aligned() noexcept {
  const auto map = [](std::size_t size) -> std::byte* {
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
  };
  std::byte* const place = map(kBlockSize);  // usually right below the one before
  if (!place || reinterpret_cast<std::uintptr_t>(place) % kBlockSize == 0) return place;
  munmap(place, kBlockSize);
  std::byte* const wide = map(2 * kBlockSize);
  if (!wide) return nullptr;
  const std::size_t before = kBlockSize - reinterpret_cast<std::uintptr_t>(wide) % kBlockSize;
  munmap(wide, before);
  if (before < kBlockSize) munmap(wide + before + kBlockSize, kBlockSize - before);
  return wide + before;
}

class Blocks {
 public:
  Blocks() = default;
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks() {
    retire();
    while (spare_) unmap(*std::exchange(spare_, spare_->next));
  }

  void* allocate(std::size_t size) noexcept {
    size = (size + kAlignment - 1) / kAlignment * kAlignment;
    if (!current_ || current_->used + size > kBlockSize) {
      retire();
      if (!refill()) return nullptr;
    }
    current_->live.fetch_add(1, std::memory_order_relaxed);
    return reinterpret_cast<std::byte*>(current_) +
           std::exchange(current_->used, current_->used + size);
  }

  void free(void* record) noexcept {
    Block& block = Block::of(record);
    const std::size_t live = block.live.fetch_sub(1, std::memory_order_acq_rel) - 1;
    if (live == 0)
      dispose(block);
    else if (live == 1 && &block == current_)
      block.used = sizeof(Block);  // as warm as it can be
  }

 private:
  bool refill() noexcept {
    if (spare_) {
      current_ = ::new (std::exchange(spare_, spare_->next)) Block(this);
      --spares_;
    } else if (void* const memory = map_aligned()) {
      current_ = ::new (memory) Block(this);
      ++block_count;
    }
    return current_ != nullptr;
  }

  void retire() noexcept {
    Block* const block = std::exchange(current_, nullptr);
    if (block && block->live.fetch_sub(1, std::memory_order_acq_rel) == 1) dispose(*block);
  }

  /// Blocks of other threads end up with the system.
  void dispose(Block& block) noexcept {
    if (block.home != this || spares_ == kSpareBlocks) return unmap(block);
    block.next = std::exchange(spare_, &block);
    ++spares_;
  }

  void unmap(Block& block) noexcept {
    --block_count;
    munmap(&block, kBlockSize);
  }

  Block* current_ = nullptr;
  Block* spare_ = nullptr;
  std::size_t spares_ = 0;
};

thread_local Blocks blocks;

}  // namespace

std::size_t fleeting_blocks() noexcept { return block_count; }

void* allocate_fleeting(std::size_t size) noexcept {
#if defined(WEFT_ADDRESS_SANITIZER) || defined(WEFT_THREAD_SANITIZER)
  (void)size;  // they are to see each record by itself
  return nullptr;
#else
  return blocks.allocate(size);
#endif
}

void free_fleeting(void* record) noexcept { blocks.free(record); }

}  // namespace weft::detail
