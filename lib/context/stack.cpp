#include <weft/context/stack.h>

#include <algorithm>
#include <cerrno>
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
#include "context/stack_pool.h"

namespace weft {

namespace detail {

namespace {

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

StackPool* pool_of_thread() noexcept { return thread_pool; }

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

void set_label(const Stack& stack, const StackLabel* label) noexcept {
  auto* slab = static_cast<Slab*>(stack.slab);
  slab->labels[slab->slot_of(stack.bottom)] = label;
}

std::size_t used_size(const Stack& stack) {
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  std::byte* const end = stack.bottom - kGuardSize + stack.slot;
  std::vector<unsigned char> resident((std::size_t(end - stack.bottom) + page - 1) / page);
  if (mincore(stack.bottom, std::size_t(end - stack.bottom), resident.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "mincore of a stack");
  const auto deepest = std::find_if(resident.begin(), resident.end(),
                                    [](unsigned char bits) { return (bits & 1) != 0; });
  return std::size_t(resident.end() - deepest) * page;
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
