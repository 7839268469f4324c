// Blocks of one size share a slab, whose head lies at its beginning: a block finds it by its own
// address. A slab belongs to the thread that made it, and only that one takes from it. What another
// thread returns lies in a list of the owner's, under a lock, until the owner runs short; once the
// owner has ended, it is only counted.

#include <weft/base/records.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <sys/mman.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEFT_SANITIZED 1
#endif
#endif

namespace weft::detail {

namespace {

constexpr std::size_t kSlabSize = 64 * 1024;
constexpr std::size_t kLargest = 1024;
constexpr int kIdleSlabs = 16;  // of a thread

class RecordPool;

struct Block {
  Block* next;
};

struct Slab {
  std::atomic<RecordPool*> owner;  // null once its thread has ended
  Slab* previous = nullptr;
  Slab* next = nullptr;
  Block* free = nullptr;
  std::byte* fresh;  // from here on nothing has been taken yet
  std::size_t size;  // of a block
  int used = 0;

  static constexpr std::size_t kHead = 64;

  Slab(RecordPool* pool, std::size_t block) noexcept
      : owner(pool), fresh(reinterpret_cast<std::byte*>(this) + kHead), size(block) {}

  static Slab& of(void* record) noexcept {
    return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(record) & ~(kSlabSize - 1));
  }
  bool full() noexcept {
    return !free && fresh + size > reinterpret_cast<std::byte*>(this) + kSlabSize;
  }
  void* take() noexcept {
    ++used;
    if (free) return std::exchange(free, free->next);
    return std::exchange(fresh, fresh + size);
  }
  void put(void* record) noexcept {
    --used;
    free = ::new (record) Block{free};
  }
};
static_assert(sizeof(Slab) <= Slab::kHead);

/// Memory for slabs, of all threads: few mappings, which stay. What goes back to it holds no
/// memory. Requires: records_mutex is held.
class SlabMemory {
 public:
  void* take() {
    if (!bare_.empty()) return pop();
    if (fresh_ == end_) add_region();
    return std::exchange(fresh_, fresh_ + kSlabSize);
  }
  void put(Slab& slab) noexcept {
    madvise(&slab, kSlabSize, MADV_DONTNEED);
    bare_.push_back(&slab);  // has the capacity
  }

 private:
  void* pop() noexcept {
    void* slab = bare_.back();
    bare_.pop_back();
    return slab;
  }

  void add_region() {
    constexpr std::size_t kRegion = 64 * kSlabSize;
    bare_.reserve(made_ + 64);
    void* mapped = mmap(nullptr, kRegion + kSlabSize, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    made_ += 64;
    auto* start = static_cast<std::byte*>(mapped);
    fresh_ = start + (-reinterpret_cast<std::uintptr_t>(start) & (kSlabSize - 1));
    end_ = fresh_ + kRegion;
  }

  std::vector<void*> bare_;
  std::size_t made_ = 0;
  std::byte* fresh_ = nullptr;
  std::byte* end_ = nullptr;
};

std::mutex records_mutex;  // over all that threads share

/// Never destroyed: static variables return records to the very end.
SlabMemory& slab_memory() {
  static SlabMemory& memory = *new SlabMemory;
  return memory;
}

class SlabList {
 public:
  Slab* first() const noexcept { return first_; }
  void insert(Slab& slab) noexcept {
    slab.previous = nullptr;
    slab.next = first_;
    if (first_) first_->previous = &slab;
    first_ = &slab;
  }
  void remove(Slab& slab) noexcept {
    (slab.previous ? slab.previous->next : first_) = slab.next;
    if (slab.next) slab.next->previous = slab.previous;
  }

 private:
  Slab* first_ = nullptr;
};

/// The slabs of one thread.
class RecordPool {
 public:
  RecordPool() = default;
  RecordPool(const RecordPool&) = delete;
  RecordPool& operator=(const RecordPool&) = delete;
  ~RecordPool() {
    const std::lock_guard lock(records_mutex);
    for (Block* block = foreign_; block; block = block->next) --Slab::of(block).used;
    for (SlabList& list : with_room_) let_go(list);
    let_go(full_);
  }

  void* take(std::size_t size) {
    SlabList& rooms = with_room_[size / kRecordAlignment - 1];
    Slab* slab = rooms.first();
    if (!slab) [[unlikely]]
      slab = &find_room(rooms, size);
    if (slab->used == 0) --idle_;
    void* record = slab->take();
    if (slab->full()) [[unlikely]] {
      rooms.remove(*slab);
      full_.insert(*slab);
    }
    return record;
  }

  void put(Slab& slab, void* record) noexcept {
    SlabList& rooms = with_room_[slab.size / kRecordAlignment - 1];
    if (slab.full()) [[unlikely]] {
      full_.remove(slab);
      rooms.insert(slab);
    }
    slab.put(record);
    if (slab.used != 0 || ++idle_ <= kIdleSlabs) [[likely]]
      return;
    --idle_;
    rooms.remove(slab);
    const std::lock_guard lock(records_mutex);
    slab_memory().put(slab);
  }

  /// Requires: records_mutex is held.
  void put_from_elsewhere(void* record) noexcept { foreign_ = ::new (record) Block{foreign_}; }

 private:
  Slab& find_room(SlabList& rooms, std::size_t size) {
    Block* returned = nullptr;
    {
      const std::lock_guard lock(records_mutex);
      returned = std::exchange(foreign_, nullptr);
    }
    put_all(returned);
    if (rooms.first()) return *rooms.first();
    const std::lock_guard lock(records_mutex);
    rooms.insert(*::new (slab_memory().take()) Slab(this, size));
    ++idle_;
    return *rooms.first();
  }

  void put_all(Block* block) noexcept {
    while (block) {
      Block* next = block->next;
      put(Slab::of(block), block);
      block = next;
    }
  }

  static void let_go(SlabList& list) noexcept {
    while (Slab* slab = list.first()) {
      list.remove(*slab);
      slab->owner = nullptr;
      if (slab->used == 0) slab_memory().put(*slab);
    }
  }

  std::array<SlabList, kLargest / kRecordAlignment> with_room_;
  SlabList full_;
  int idle_ = 0;              // slabs without a record
  Block* foreign_ = nullptr;  // returned by other threads
};

// A plain pointer, good for as long as anything runs on the thread; a static variable may return
// its record after what is thread_local has gone.
constinit thread_local RecordPool* thread_pool __attribute__((tls_model("initial-exec"))) = nullptr;

RecordPool& make_pool() {
  struct Owner {
    ~Owner() { delete std::exchange(thread_pool, nullptr); }
  };
  thread_pool = new RecordPool;
  static thread_local Owner owner;
  (void)owner;
  return *thread_pool;
}

/// Those who look for the use of what is gone have to see each record come and go.
bool is_watched() noexcept {
#ifdef WEFT_SANITIZED
  return true;
#elif defined(RUNNING_ON_VALGRIND)
  static const bool watched = RUNNING_ON_VALGRIND;
  return watched;
#else
  return false;
#endif
}

std::size_t rounded(std::size_t size) noexcept {
  return (size + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

bool is_pooled(std::size_t size, std::size_t alignment) noexcept {
  return size <= kLargest && alignment <= kRecordAlignment && !is_watched();
}

std::align_val_t at_least(std::size_t alignment) noexcept {
  return std::align_val_t(std::max(alignment, kRecordAlignment));
}

}  // namespace

void* take_record(std::size_t size, std::size_t alignment) {
  if (!is_pooled(size, alignment)) return ::operator new(size, at_least(alignment));
  RecordPool& pool = thread_pool ? *thread_pool : make_pool();
  return pool.take(rounded(size));
}

void return_record(void* record, std::size_t size, std::size_t alignment) noexcept {
  if (!is_pooled(size, alignment)) return ::operator delete(record, at_least(alignment));
  Slab& slab = Slab::of(record);
  RecordPool* owner = slab.owner.load(std::memory_order_relaxed);
  if (owner && owner == thread_pool) [[likely]]
    return owner->put(slab, record);
  const std::lock_guard lock(records_mutex);
  owner = slab.owner.load(std::memory_order_relaxed);
  if (owner)
    owner->put_from_elsewhere(record);
  else if (--slab.used == 0)
    slab_memory().put(slab);
}

}  // namespace weft::detail
