#include <weft/context/switch.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include <cxxabi.h>
#include <pthread.h>

#include <boost/context/detail/fcontext.hpp>

#include "base/assert.h"
#include "context/overflow.h"
#include "context/sanitizers.h"

// libstdc++ declares this in <cxxabi.h>, libc++abi nowhere.
namespace __cxxabiv1 {
struct __cxa_eh_globals;
extern "C" __cxa_eh_globals* __cxa_get_globals() noexcept;
}  // namespace __cxxabiv1

extern "C" void weft_start(boost::context::detail::transfer_t);
extern "C" __attribute__((visibility("hidden"),
                          used)) void weft_main(boost::context::detail::transfer_t) noexcept;

namespace weft::detail {

constinit thread_local ThreadContext thread_context __attribute__((tls_model("initial-exec")));

namespace {

void set_sticky_float_flags() noexcept {
#if defined(__x86_64__)
  const char* keep = std::getenv("WEFT_FLOAT_FLAGS");
  if (keep && std::strcmp(keep, "keep") == 0) return;
  unsigned int control = 0;
  asm volatile("stmxcsr %0" : "=m"(control));
  control |= 0x3f;
  asm volatile("ldmxcsr %0" : : "m"(control));
#endif
}

/// An abandoned context may be handling exceptions, which nobody would end after it.
void end_handlers() noexcept {
  ExceptionState& state = *thread_context.exceptions;
  while (state.caught) [[unlikely]]
    __cxxabiv1::__cxa_end_catch();
  state.uncaught = 0;
}

}  // namespace

void prepare_thread() noexcept {
  if (thread_context.exceptions) return;
  thread_context.exceptions = reinterpret_cast<ExceptionState*>(__cxxabiv1::__cxa_get_globals());
  set_sticky_float_flags();
#ifndef WEFT_SANITIZED_SWITCH  // sanitizers report overflows themselves
  watch_for_overflows();
#endif
  thread_context.stack = identity_of_thread_stack();
}

#ifdef WEFT_SANITIZED_SWITCH

// Not instrumented: between the announcement and the jump no frame may be entered or left.
WEFT_NO_THREAD_SANITIZER
void switch_context(Context& from, const Context& to) noexcept {
  ThreadContext& thread = thread_context;
  const ExceptionState mine = *thread.exceptions;
  from.stack = thread.stack;
  const StackIdentity me = thread.stack;
  void* fake = nullptr;
  announce_switch(&fake, to.stack);
  thread.stack = to.stack;
  const weft_transfer got = weft_jump(to.sp, &from);
  static_cast<Context*>(got.data)->sp = got.from;
  complete_switch(fake);
  thread.stack = me;
  *thread.exceptions = mine;
}

WEFT_NO_THREAD_SANITIZER
void leave_context(const Context& to) noexcept {
  static thread_local Context nowhere;
  end_handlers();
  announce_switch(nullptr, to.stack);
  thread_context.stack = to.stack;
  weft_jump(to.sp, &nowhere);
  __builtin_unreachable();
}

#else

void switch_while_handling(Context& from, const Context& to) noexcept {
  ExceptionState& state = *thread_context.exceptions;
  const ExceptionState mine = std::exchange(state, {});
  switch_context(from, to);
  state = mine;
}

void leave_context(const Context& to) noexcept {
  static thread_local Context nowhere __attribute__((tls_model("initial-exec")));
  end_handlers();
  weft_jump(to.sp, &nowhere);
  __builtin_unreachable();
}

#endif

void start_context(Context& from, const Stack& stack, void (*entry)(void*),
                   void* argument) noexcept {
  Context fresh;
  fresh.sp = boost::context::detail::make_fcontext(stack.top, stack.size(), weft_start);
#ifdef WEFT_SANITIZED_SWITCH
  fresh.stack = identity_of(stack);
#endif
  thread_context.entry = entry;
  thread_context.argument = argument;
  switch_context(from, fresh);
}

}  // namespace weft::detail

WEFT_NO_THREAD_SANITIZER
void weft_main(boost::context::detail::transfer_t transfer) noexcept {
  using namespace weft::detail;
  static_cast<Context*>(transfer.data)->sp = transfer.fctx;
  complete_switch(nullptr);
  *thread_context.exceptions = ExceptionState{};
  thread_context.entry(thread_context.argument);
  WEFT_ASSERT(false && "a context returned from its entry");
  std::abort();
}
