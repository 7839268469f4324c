// The switch from one stack to another. Layer: context.
// SPDX-License-Identifier: MIT
//
// Boost.Context's jump_fcontext saves the callee-saved registers on the stack that is left, and
// restores those of the stack that is entered. Two things are added here:
//
// It is entered by `jmp`, with a return address pushed by hand. Boost's routine is meant to be
// called but leaves by an indirect jump, so each call would leave one entry too many on the
// processor's return predictor, and every `ret` after it would be mispredicted (8 ns each). Jumped
// to, and inlined into generators and yield_now(), a switch costs its 4 ns and nothing after.
//
// It carries the C++ exception state: the stack of exceptions that are being handled is the
// thread's, so two contexts that suspend inside `catch` blocks would pop each other's. At a switch
// the state is empty: who leaves while it handles exceptions puts them aside until it goes on.
//
// A function with `__attribute__((target("avx512f")))` in a file compiled without -mavx512f must
// not call what is inlined from here under GCC, which then cannot be told that the upper vector
// registers change; let it call an ordinary function that does.
#pragma once

#include <cstddef>

#include <weft/context/stack.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEFT_SANITIZED_SWITCH 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_SANITIZED_SWITCH 1
#endif

extern "C" {
struct weft_transfer {
  void* from;  // the context that was left
  void* data;  // what it handed over
};
/// jump_fcontext under a name that is weft's own.
weft_transfer weft_jump(void* to, void* data) noexcept;
}

namespace weft::detail {

/// Caught and in-flight exceptions of a context: the two words of __cxa_eh_globals.
struct ExceptionState {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

/// What the sanitizers want to know of a context.
struct StackIdentity {
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* fiber = nullptr;
};

/// A place that a suspended context is kept in: filled by the switch that leaves it.
struct Context {
  void* sp = nullptr;
#ifdef WEFT_SANITIZED_SWITCH
  StackIdentity stack;
#endif
};

/// The thread's side of the switch.
struct ThreadContext {
  ExceptionState* exceptions = nullptr;  // null until prepare_thread()
  void (*entry)(void*) = nullptr;        // for the context that is just being started
  void* argument = nullptr;
  StackIdentity stack;  // of the running context; kept in sanitized builds only
};
extern constinit thread_local ThreadContext thread_context
    __attribute__((tls_model("initial-exec")));

/// Must have been called on a thread before its first switch. Finds the exception state, and sets
/// the sticky floating-point flags: two contexts that differ in them pay fifteen times the price of
/// a switch, and flags that are all set can never differ again. So fetestexcept() is always true in
/// threads that use weft, unless WEFT_FLOAT_FLAGS=keep is in the environment.
void prepare_thread() noexcept;

/// Starts `entry(argument)` on `stack` and leaves the running context in `from`. `entry` must not
/// return: it ends by leave_context().
void start_context(Context& from, const Stack& stack, void (*entry)(void*),
                   void* argument) noexcept;

/// Leaves the running context for ever.
[[noreturn]] void leave_context(const Context& to) noexcept;

#ifdef WEFT_SANITIZED_SWITCH

void switch_context(Context& from, const Context& to) noexcept;

#else

[[gnu::always_inline]] inline weft_transfer jump(void* to, void* data) noexcept {
#if defined(__x86_64__)
  weft_transfer got;
  asm volatile(
      "movq %%rsp, %%r15\n\t"        // the routine keeps it
      "leaq -128(%%rsp), %%rsp\n\t"  // the red zone is the compiler's
      "andq $-64, %%rsp\n\t"         // what the routine saves fills one cache line
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "jmp *weft_jump@GOTPCREL(%%rip)\n"
      "1:\n\t"
#ifdef __CET__
      "endbr64\n\t"
#endif
      "movq %%r15, %%rsp\n\t"
      : "=&a"(got.from), "=&d"(got.data), "+D"(to), "+S"(data)
      // As an operand it forces a frame pointer: nothing may be found relative to rsp in here.
      : "r"(__builtin_frame_address(0))
      : "rcx", "r8", "r9", "r10", "r11", "r15", "memory", "cc", "st", "st(1)", "st(2)", "st(3)",
        "st(4)", "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
        "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#if defined(__AVX512F__) || defined(__clang__)
        ,
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",
        "k6", "k7"
#endif
  );
  return got;
#else
  return weft_jump(to, data);  // Boost's routine leaves by `ret` there: nothing to balance
#endif
}

/// The same as switch_context(), with exceptions that are being handled.
void switch_while_handling(Context& from, const Context& to) noexcept;

/// Leaves the running context in `from` and goes on with `to`. Returns when somebody switches to
/// `from`. Whoever is switched to stores where the other one stopped: the address travels along.
[[gnu::always_inline]] inline void switch_context(Context& from, const Context& to) noexcept {
  const ExceptionState& state = *thread_context.exceptions;
  if (state.caught || state.uncaught) [[unlikely]]
    return switch_while_handling(from, to);
  const weft_transfer got = jump(to.sp, &from);
  static_cast<Context*>(got.data)->sp = got.from;
}

#endif

}  // namespace weft::detail
