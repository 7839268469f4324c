#include <weft/context/stack.h>

#include <cstdint>
#include <string>
#include <utility>

#include <weft/base/errors.h>

#include "base/assert.h"
#include "context/sanitizers.h"
#include "context/stack_pool.h"

namespace weft {

namespace detail {

namespace {

// A plain pointer, good for as long as anything runs on the thread: a suspended generator may be a
// static variable, and those are destroyed after what is thread_local.
constinit thread_local StackPool* thread_pool __attribute__((tls_model("initial-exec"))) = nullptr;

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

/// Beyond this the size of a slab, or its rounding, would wrap.
constexpr std::size_t kLargestStack = (SIZE_MAX >> 1) / kSlabSlots;

[[noreturn]] void refuse(const char* name, const char* condition, std::size_t limit,
                         std::size_t given) {
  throw ValueError(std::string(name) + ": a stack " + condition + " " + std::to_string(limit) +
                   " bytes, not " + std::to_string(given));
}

}  // namespace

StackPool* pool_of_thread() noexcept { return thread_pool; }

void check_stack(const StackOptions& options) {
  if (options.guard == 0)
    throw ValueError("guard: 0 bytes are none, and a stack without one would run into the next");
  if (options.size > kLargestStack) refuse("size", "has at most", kLargestStack, options.size);
  if (options.guard > kLargestStack) refuse("guard", "has at most", kLargestStack, options.guard);
  const std::size_t least = in_pages(options.guard) + kMinimumStackRoom;
  if (in_pages(options.size) < least) refuse("size", "needs at least", least, options.size);
}

Stack acquire_stack(const StackOptions& options) {
  prepare_thread();
  Stack stack = pool().take(options);
  clean_stack(stack);
  create_fiber(stack);
  return stack;
}

void release_stack(const Stack& stack) noexcept {
  const auto* here = static_cast<const std::byte*>(__builtin_frame_address(0));
  WEFT_ASSERT(!(here >= stack.bottom && here < stack.top) && "a stack is released that is running");
  destroy_fiber(stack);
  pool().give_back(stack);
}

void set_label(const Stack& stack, const StackLabel* label) noexcept {
  static_cast<Slab*>(stack.slab)->labels[stack.index] = label;
}

std::size_t used_size(const Stack& stack) {
  return static_cast<const Slab*>(stack.slab)->used_size(stack.index);
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

std::size_t deepest_stack_use() {
  return detail::thread_pool ? detail::thread_pool->deepest_use() : 0;
}

}  // namespace weft
