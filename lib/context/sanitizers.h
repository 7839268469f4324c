// What AddressSanitizer, ThreadSanitizer and Valgrind have to be told about stacks.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <weft/context/switch.h>

#include "context/stack_pool.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define WEFT_THREAD_SANITIZER 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WEFT_ADDRESS_SANITIZER 1
#endif
#ifdef __SANITIZE_THREAD__
#define WEFT_THREAD_SANITIZER 1
#endif

#ifdef WEFT_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

#if defined(WEFT_THREAD_SANITIZER) && defined(__clang__)
#define WEFT_NO_THREAD_SANITIZER __attribute__((disable_sanitizer_instrumentation, noinline))
#else
#define WEFT_NO_THREAD_SANITIZER
#endif
#ifdef WEFT_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

namespace weft::detail {

[[gnu::always_inline]] inline void announce_switch([[maybe_unused]] void** fake,
                                                   [[maybe_unused]] const StackIdentity& to) {
#ifdef WEFT_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(fake, to.bottom, to.size);
#endif
#ifdef WEFT_THREAD_SANITIZER
  __tsan_switch_to_fiber(to.fiber, 0);
#endif
}

[[gnu::always_inline]] inline void complete_switch([[maybe_unused]] void* fake) {
#ifdef WEFT_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

inline StackIdentity identity_of_thread_stack() noexcept {
  StackIdentity me;
#ifdef WEFT_ADDRESS_SANITIZER
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    void* bottom = nullptr;
    pthread_attr_getstack(&attributes, &bottom, &me.size);
    me.bottom = bottom;
    pthread_attr_destroy(&attributes);
  }
#endif
#ifdef WEFT_THREAD_SANITIZER
  me.fiber = __tsan_get_current_fiber();
#endif
  return me;
}

inline StackIdentity identity_of(const Stack& stack) noexcept {
  StackIdentity identity{stack.bottom, stack.size(), nullptr};
#ifdef WEFT_THREAD_SANITIZER
  identity.fiber = stack.fiber;
#endif
  return identity;
}

inline void create_fiber([[maybe_unused]] Stack& stack) {
#ifdef WEFT_THREAD_SANITIZER
  stack.fiber = __tsan_create_fiber(0);
#endif
}

inline void destroy_fiber([[maybe_unused]] const Stack& stack) noexcept {
#ifdef WEFT_THREAD_SANITIZER
  __tsan_destroy_fiber(stack.fiber);
#endif
}

inline bool under_valgrind() noexcept {
#ifdef RUNNING_ON_VALGRIND
  static const bool answer = RUNNING_ON_VALGRIND != 0;
  return answer;
#else
  return false;
#endif
}

/// New memory for stacks: Valgrind wants each one registered, and LeakSanitizer looks for pointers
/// in it. Neither may look into the guards, which the list of mappings does not show.
inline void declare_slab([[maybe_unused]] Slab& slab) noexcept {
#ifdef WEFT_ADDRESS_SANITIZER
  for (std::size_t i = 0; i < kSlabSlots; ++i)
    __lsan_register_root_region(slab.bottom_of(i), slab.slot - slab.guard);
#endif
#ifdef VALGRIND_STACK_REGISTER
  if (under_valgrind())
    for (std::size_t i = 0; i < kSlabSlots; ++i) {
      const std::byte* const bottom = slab.base + i * slab.stride;
      slab.valgrind_ids[i] = VALGRIND_STACK_REGISTER(bottom, bottom + slab.stride - 1);
      (void)VALGRIND_MAKE_MEM_NOACCESS(bottom, slab.guard);
    }
#endif
}

/// The memory is about to be given back.
inline void forget_slab([[maybe_unused]] const Slab& slab) noexcept {
#ifdef WEFT_ADDRESS_SANITIZER
  for (std::size_t i = 0; i < kSlabSlots; ++i)
    __lsan_unregister_root_region(slab.bottom_of(i), slab.slot - slab.guard);
#endif
#ifdef VALGRIND_STACK_DEREGISTER
  if (under_valgrind())
    for (const unsigned int id : slab.valgrind_ids) VALGRIND_STACK_DEREGISTER(id);
#endif
}

/// The stack will be used by someone else: forget what its last frames marked as out of bounds.
/// Valgrind marks all that the stack pointer has passed on its way up; the next user's record and
/// first frame may reach further down than the last one's, and are written from another stack.
inline void clean_stack([[maybe_unused]] const Stack& stack) noexcept {
#ifdef WEFT_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(stack.bottom, stack.size());
#endif
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  if (under_valgrind()) (void)VALGRIND_MAKE_MEM_UNDEFINED(stack.bottom, stack.size());
#endif
}

}  // namespace weft::detail
