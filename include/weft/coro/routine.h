// The untyped half of generators and coroutines: what their inlined calls need. Layer: coro.
// SPDX-License-Identifier: MIT
//
// A *routine* is one generator or coroutine object. A *frame* is one body being run: the routine's
// own, at the base of its stack, or that of a fresh generator it delegates to, which runs on the
// same stack as a plain call. Routines that have stacks of their own and delegate to one another
// form a chain, linked by `target`; its last member, the leaf, is resumed directly.
//
// A *drive* is one send, throw or close in progress. Its root is the routine that was called; since
// a routine that runs cannot be called again, the record of the drive is part of the root. Drives
// in progress on a thread form a list, innermost first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <typeinfo>
#include <utility>

#include <weft/context/stack.h>
#include <weft/context/switch.h>
#include <weft/coro/exchange.h>

namespace weft {

/// What a generator or coroutine is doing. Source: inspect.getgeneratorstate
enum class State : std::uint8_t {
  Created,    ///< not started
  Running,    ///< it, or something it delegates to or drives, is being run
  Suspended,  ///< at a yield or trap
  Closed      ///< finished, by return, exception or close
};

namespace detail {

struct Routine;
struct TaskBase;

enum class RoutineKind : std::uint8_t { Generator, Coroutine, AsyncGenerator };

/// What is awaited inside belongs to it, and not to whoever drives it.
constexpr bool may_wait(RoutineKind kind) noexcept { return kind != RoutineKind::Generator; }

/// One body being run. Invariant: frames of one stack are linked from Routine::top outwards.
struct Frame {
  Frame* outer = nullptr;   // the delegator on the same stack; null for a base frame
  Routine* home = nullptr;  // on whose stack, or in whose name, it runs
  void* result = nullptr;   // std::optional<R>* for what it delegates to
  RoutineKind kind = RoutineKind::Generator;
  bool delegating = false;     // suspended in, or running inside, a delegation
  bool closing = false;        // being closed: a yield now means "ignored GeneratorExit"
  bool ignored = false;        // it did yield: it is being finalized, its delegator gets the error
  std::uint8_t refusals = 0;   // how often it did so since
  bool abandoned = false;      // it yielded while being destroyed: none of its code runs again
  std::uint64_t since = 0;     // the forwarding drive in which, or since which, it delegates
  std::exception_ptr pending;  // thrown GeneratorExit: raised here when the inner ones are closed
};

/// The type of a body, erased.
struct BodyTable {
  void (*run)(Routine&, Frame&);                  // result, if any, goes to *result_place(frame)
  void (*destroy)(Routine&) noexcept;             // what was captured
  void (*deallocate)(Routine*) noexcept;          // the record
  std::size_t size;                               // of the record
  Routine* (*move_to)(Routine&, void*) noexcept;  // null if that could throw
};

/// Larger records do not move to their stacks: beyond that a page is not shared with much.
inline constexpr std::size_t kLargestMoved = 1024;

/// Memory for the record of a routine that will begin soon, and move to its stack then: such memory
/// goes back to the system as it is freed, whatever lives on elsewhere. Null if there is none.
void* allocate_fleeting(std::size_t size) noexcept;
void free_fleeting(void* record) noexcept;

/// How a drive ended. YieldedLast: the reference of the call is the only one left, and the caller,
/// who knows the type, saves the value before it releases it. Running: it has not, and was begun by
/// resume(), which takes no reference: if the last one goes meanwhile, its end sees that.
enum class Outcome : std::uint8_t { Yielded, YieldedLast, Returned, Raised, Gone, Running };

/// What a loop does for the routines it drives: they are not driven by a call, so there is nobody
/// to yield to and nobody to return to.
struct LoopDriver {
  void* (*trap)(Frame& frame, void* value, const Exchange* exchange);
  void (*finished)(Routine& root);             // returns if another one is to run in its place
  void (*retargeted)(Routine& root) noexcept;  // `target` has changed
};
extern std::atomic<const LoopDriver*> loop_driver;  // the same one for all threads that set it

struct Routine {
  const BodyTable* body = nullptr;  // null once its captures are destroyed
  const BodyTable* table;           // the same, kept for deallocation
  std::uint32_t references = 1;
  RoutineKind kind;
  State state = State::Created;  // Running is never stored: see `running` and is_executing()
  bool running = false;          // its stack is the innermost one of a drive, or drives others
  bool linked = false;           // has ever been delegated to

  // The chain.
  std::uint32_t delegators = 0;
  Routine* target = nullptr;     // what the top frame delegates to, if that has its own stack
  Routine* delegator = nullptr;  // the last one; valid if there is one and it did not end
  Routine* leaf = nullptr;       // a hint: some node below, valid while leaf_shape is current
  std::uint64_t leaf_shape = ~std::uint64_t(0);  // no thread's, not even an unprepared one's

  // Its stack, and the mailbox that is read when it is resumed.
  Routine* root = nullptr;  // of the drive on whose behalf it runs
  void* received = nullptr;
  std::exception_ptr thrown;
  Context context;                     // parked here, on whatever stack it stopped
  const Exchange* exchange = nullptr;  // of the suspension it is parked at
  Frame* top = nullptr;

  // The drive of which this is the root.
  Routine* outer_drive = nullptr;
  Context back;
  Offer offer;
  void* result = nullptr;  // std::optional<R>*, or null if nobody wants it
  Outcome outcome = Outcome::Gone;
  bool forwards = false;     // a throw or close: members of the chain count as delegating meanwhile
  bool closing = false;      // both are false between drives
  TaskBase* task = nullptr;  // if a loop drives it
  std::uint64_t serial = 0;  // of the last drive that forwards
  std::exception_ptr error;

  Frame base;
  struct CoroThread* owner = nullptr;  // the thread it was started on
  Stack stack;
  StackOptions stack_options;
  bool on_stack = false;  // the record itself lies at the top of the stack
  bool fleeting = false;  // or in memory of allocate_fleeting()
  StackLabel label;

  Routine(const BodyTable* type, RoutineKind k) noexcept : body(type), table(type), kind(k) {}
  Routine(const Routine&) = delete;
  Routine& operator=(const Routine&) = delete;
};

/// Per thread. `shape` changes whenever a hint may have become wrong; it starts at a value that no
/// other thread uses, so a routine of another thread never looks resumable.
struct CoroThread {
  Routine* drive = nullptr;
  std::uint64_t shape = 0, serials = 0;  // shape 0: not prepared yet
  struct Unsuspendable* unsuspendable = nullptr;
};
extern constinit thread_local CoroThread coro_thread __attribute__((tls_model("initial-exec")));

// ---- for drivers. A step tells Yielded or Returned; whatever else happened is thrown.

Outcome resume_slowly(Routine& routine, void* sent, void* result);
Outcome end_drive(Routine& routine);  // of resume()
Outcome throw_into(Routine& routine, std::exception_ptr error, void* result);
/// The same, but a GeneratorExit, too, goes to the innermost one instead of closing what is inside.
Outcome throw_innermost(Routine& routine, std::exception_ptr error);
void close_routine(Routine& routine);
void drop_routine(Routine* routine) noexcept;  // the last reference went
State state_of(const Routine& routine) noexcept;
bool is_delegating(const Routine& routine) noexcept;
[[noreturn]] void raise_just_started(RoutineKind kind);
[[noreturn]] void raise_wrong_type(const char* what, const std::type_info& got,
                                   const std::type_info& wanted);

/// How large a stack it is to have. Throws: ValueError that names `size` or `guard`; RuntimeError
/// if it has started.
void set_stack_options(Routine& routine, const StackOptions& options);

/// For coroutines, whose values have any type. Throws: TypeError if `type` is not what the trap
/// that it stands at wants.
void check_sent(Routine& routine, const std::type_info& type);
const Offer& offer_of(Routine& routine) noexcept;

inline void retain(Routine& routine) noexcept { ++routine.references; }
inline void release(Routine* routine) noexcept {
  if (routine && --routine->references == 0) drop_routine(routine);
}

// ---- for bodies

/// Where the frame's result belongs, or null.
void* result_place(const Frame& frame) noexcept;

/// Suspends; returns what was sent (null: nothing), throws what was thrown.
void* suspend_slowly(Frame& frame, void* value, const Exchange* exchange, bool delegating);

/// A body to run as a plain call. `end` is called once it has run.
struct InlineBody {
  RoutineKind kind;
  void (*run)(void* argument, Frame& frame);
  void (*end)(void* argument) noexcept;
  void* argument;
};

/// Runs the body on this stack. False if there is no room: then nothing has happened.
bool delegate_inline(Frame& frame, const InlineBody& body, void* result);

/// The same with the body of a generator that nobody else holds. Takes over the reference.
bool delegate_inline(Frame& frame, Routine* fresh, void* result);

/// Delegation to an object with its own stack. Takes over one reference. `result` stays empty if
/// the target had ended before.
void delegate(Frame& frame, Routine* target, void* result);

/// The frame that an await or trap on this thread belongs to: the innermost one of the coroutine
/// that is being driven. Throws: RuntimeError if there is none; `what` names the attempt.
Frame& current_coroutine_frame(const char* what);

// ---- the two calls that must not cost more than a switch

/// Resumes a routine with `sent`, on the quick way if it is simply suspended.
[[gnu::always_inline]] inline Outcome resume(Routine& routine, void* sent, void* result) {
  Routine* leaf = routine.leaf;
  if (routine.leaf_shape != coro_thread.shape || leaf->target != nullptr || leaf->running ||
      leaf->state != State::Suspended) [[unlikely]]
    return resume_slowly(routine, sent, result);
  routine.outcome = Outcome::Running;
  routine.result = result;
  routine.outer_drive = coro_thread.drive;
  leaf->received = sent;
  leaf->running = true;
  leaf->root = &routine;
  coro_thread.drive = &routine;
  switch_context(routine.back, leaf->context);
  if (routine.outcome != Outcome::Yielded || routine.references == 0) [[unlikely]]
    return end_drive(routine);
  coro_thread.drive = routine.outer_drive;
  return Outcome::Yielded;
}

/// Suspends the frame's routine and yields `value` to whoever drives it.
[[gnu::always_inline]] inline void* suspend(Frame& frame, void* value, const Exchange* exchange) {
  Routine& home = *frame.home;
  Routine& root = *home.root;
  if (home.top != &frame || coro_thread.drive != &root || root.outcome != Outcome::Running)
      [[unlikely]]
    return suspend_slowly(frame, value, exchange, false);
  root.outcome = Outcome::Yielded;
  root.offer.value = value;
  home.exchange = exchange;
  home.running = false;
  switch_context(home.context, root.back);
  if (home.thrown) [[unlikely]]
    std::rethrow_exception(std::exchange(home.thrown, nullptr));
  return home.received;
}

}  // namespace detail

}  // namespace weft
