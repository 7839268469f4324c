#include <weft/coro/routine.h>

#include <atomic>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/coro/async_routine.h>

#include "base/assert.h"
#include "coro/chain.h"
#include "coro/drive.h"

namespace weft::detail {

constinit thread_local CoroThread coro_thread __attribute__((tls_model("initial-exec")));
std::atomic<const LoopDriver*> loop_driver{nullptr};

namespace {

void prepare_coro_thread() {
  static std::atomic<std::uint64_t> threads{0};
  constexpr int kShapesPerThread = 40;
  if (coro_thread.shape == 0) coro_thread.shape = ++threads << kShapesPerThread;
}

void destroy_body(Routine& routine) noexcept {
  if (const BodyTable* body = std::exchange(routine.body, nullptr)) body->destroy(routine);
}

void run_to_end(Routine& routine) {
  std::exception_ptr error;
  try {
    routine.body->run(routine, routine.base);
  } catch (const StopIteration&) {
    error = stray_stop(routine.kind, std::current_exception());
  } catch (...) {
    error = std::current_exception();
    if (routine.kind == RoutineKind::AsyncGenerator && is_async_stop(error))
      error = stray_stop(routine.kind, std::move(error));
  }
  destroy_body(routine);
  finish(routine, std::move(error));
}

/// The base of every routine's stack.
void run_routine(void* argument) {
  for (;;) run_to_end(*static_cast<Routine*>(argument));  // each time another one lies there
}

}  // namespace

namespace {

void start_on(Routine& routine, const Stack& stack) {
  routine.stack = stack;
  if (!routine.task) {
    routine.label.kind = name_of(routine.kind);
    routine.label.remedy = "To raise it: set_stack({.size = BYTES}) before it starts.";
  }
  set_label(routine.stack, &routine.label);
  routine.owner = &coro_thread;
  routine.state = State::Suspended;
  routine.top = &routine.base;
  routine.base.home = &routine;
  routine.base.kind = routine.kind;
}

}  // namespace

void begin(Routine& routine) {
  prepare_coro_thread();
  start_on(routine, acquire_stack(routine.stack_options));
}

namespace {

/// What a record takes at the top of a stack.
std::size_t room_for(const Routine& routine) noexcept {
  constexpr std::size_t kAlignment = 64;
  return (routine.table->size + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Routine& begin_alone(Routine& routine) {
  prepare_coro_thread();
  Stack stack = acquire_stack(routine.stack_options);
  const std::size_t size = room_for(routine);
  if (!routine.table->move_to || size > kLargestMoved || routine.references != 1) {
    start_on(routine, stack);
    return routine;
  }
  stack.top -= size;
  Routine& moved = *routine.table->move_to(routine, stack.top);
  moved.on_stack = true;
  start_on(moved, stack);
  return moved;
}

bool begin_instead(Routine& ended, Routine& fresh) noexcept {
  if (!ended.on_stack || ended.references != 1 || fresh.references != 1 || !fresh.table->move_to ||
      room_for(fresh) != room_for(ended) || fresh.stack_options != ended.stack_options)
    return false;
  const Stack stack = ended.stack;
  if (ended.linked) ++coro_thread.shape;
  ended.~Routine();
  Routine& moved = *fresh.table->move_to(fresh, stack.top);
  moved.on_stack = true;
  start_on(moved, stack);
  return true;
}

void finish(Routine& routine, std::exception_ptr&& error) {
  Routine& root = *routine.root;
  routine.state = State::Closed;
  routine.running = false;
  routine.base.delegating = false;
  if (&routine == &root) {
    root.outcome = error ? Outcome::Raised : Outcome::Returned;
    root.error = std::move(error);
    if (root.task) return the_loop_driver().finished(root);
    leave_context(root.back);
  }
  Routine& delegator = delegator_of(root, routine);
  const bool returned = error == nullptr;
  if (settle(routine.base, *delegator.top, returned, error)) error = nullptr;
  delegator.received = nullptr;
  delegator.thrown = std::move(error);
  unlink(delegator);
  root.leaf = &delegator;
  root.leaf_shape = coro_thread.shape;
  hand_over(root, delegator);
  leave_context(delegator.context);
}

void enter(Context& from, Routine& target, bool fresh) {
  if (fresh)
    start_context(from, target.stack, run_routine, &target);
  else
    switch_context(from, target.context);
}

void hand_over(Routine& root, Routine& target) noexcept {
  target.running = true;
  target.root = &root;
}

void retire_stack(Routine& routine) noexcept {
  if (routine.stack && !routine.on_stack) release_stack(std::exchange(routine.stack, {}));
}

Routine& deliver(Routine& root, Routine& from, Mode mode, void* sent, std::exception_ptr error) {
  Routine& leaf = leaf_of(from);
  Routine* target = &leaf;
  Routine* const busy = executing_member(from);
  const bool exits =
      mode == Mode::Throw && &from == &root && root.base.delegating && is_generator_exit(error);
  std::exception_ptr thrown;
  if (mode == Mode::Close || exits) {
    root.closing = true;
    mark_closing(from, busy);
    thrown = generator_exit();
    if (exits) {  // the inner ones are closed, then the very exception is raised in this one
      from.base.closing = false;
      from.base.pending = std::move(error);
    }
  } else {
    thrown = std::move(error);
  }
  if (busy) {  // for somebody else; its delegator hears of it
    target = &from;
    while (target->target != busy) target = target->target;
    thrown = already_executing(busy->kind);
    unlink(*target);
    if (exits && target == &root && target->top == &target->base) target->base.pending = nullptr;
  } else if (leaf.state == State::Closed) {  // finished behind its delegator's back
    target = &delegator_of(from, leaf);
    unlink(*target);
    sent = nullptr;
    if (mode == Mode::Close || exits) {
      if (target->top->pending) thrown = std::exchange(target->top->pending, nullptr);
    } else if (leaf.kind == RoutineKind::Coroutine) {
      thrown = cannot_reuse();
    }
  } else if (exits && leaf.top == &from.base) {
    thrown = std::exchange(from.base.pending, nullptr);
  }
  target->received = sent;
  target->thrown = std::move(thrown);
  return *target;
}

namespace {

struct End {
  Outcome outcome;
  std::exception_ptr error;
};

/// What is left to do on the driver's side. The reference of the call is still held.
End leave_drive(Routine& routine) noexcept {
  coro_thread.drive = routine.outer_drive;
  routine.forwards = routine.closing = false;
  if (routine.state == State::Closed) retire_stack(routine);
  return {routine.outcome, std::move(routine.error)};
}

End drive(Routine& routine, Mode mode, void* sent, std::exception_ptr error, void* result) {
  retain(routine);
  routine.result = result;
  const bool fresh = routine.state == State::Created;
  if (fresh && mode != Mode::Send) {
    routine.state = State::Closed;
    destroy_body(routine);
    if (is_stray_stop(routine.kind, error)) error = stray_stop(routine.kind, std::move(error));
    return {mode == Mode::Close ? Outcome::Returned : Outcome::Raised, std::move(error)};
  }
  if (fresh) {
    try {
      begin(routine);
    } catch (...) {
      --routine.references;
      throw;
    }
  }
  if (mode != Mode::Send) {
    routine.forwards = true;
    routine.serial = ++coro_thread.serials;
  }
  Routine& target = fresh ? routine : deliver(routine, routine, mode, sent, std::move(error));
  routine.outer_drive = std::exchange(coro_thread.drive, &routine);
  hand_over(routine, target);
  enter(routine.back, target, fresh);
  return leave_drive(routine);
}

void check_idle(Routine& routine) {
  if (routine.state == State::Suspended && routine.owner != &coro_thread)
    throw RuntimeError("a suspended generator or coroutine belongs to the thread it started on");
  if (is_executing(routine)) std::rethrow_exception(already_executing(routine.kind));
}

Outcome deliver_outcome(Routine& routine, End&& end) {
  if (end.outcome == Outcome::Yielded && routine.references == 1) return Outcome::YieldedLast;
  release(&routine);
  if (end.error) std::rethrow_exception(std::move(end.error));
  return end.outcome;
}

/// Its base frame refused to end. What runs inline inside it is still finalized; then the stack is
/// set aside for good, since other objects may point into it.
void abandon(Routine& routine) noexcept {
  if (routine.top != &routine.base) {
    routine.base.abandoned = true;
    routine.closing = true;
    mark_closing(routine);
    for (Frame* frame = routine.top; frame->outer; frame = frame->outer)
      if (frame->outer == &routine.base) frame->ignored = true;
    Routine& leaf = leaf_of(routine);
    leaf.thrown = generator_exit();
    routine.outer_drive = std::exchange(coro_thread.drive, &routine);
    hand_over(routine, leaf);
    enter(routine.back, leaf, false);
    coro_thread.drive = routine.outer_drive;
  } else if (Routine* target = routine.target) {
    unlink(routine);
    release(target);
  }
  quarantine_stack(std::exchange(routine.stack, {}));
}

void destroy_suspended(Routine& routine) noexcept {
  constexpr const char* kWhere = "while destroying a generator or coroutine";
  routine.references = 1;  // for the duration
  End end = drive(routine, Mode::Close, nullptr, nullptr, nullptr);
  if (end.outcome == Outcome::Yielded) {
    report_unraisable(ignored_exit(routine.kind), kWhere);
    abandon(routine);
  } else if (end.error && !is_generator_exit(end.error)) {
    report_unraisable(std::move(end.error), kWhere);
  } else if (!end.error && routine.kind == RoutineKind::AsyncGenerator) {  // as CPython has it
    report_unraisable(std::make_exception_ptr(StopAsyncIteration()), kWhere);
  }
}

}  // namespace

Outcome resume_slowly(Routine& routine, void* sent, void* result) {
  if (routine.state == State::Created && sent) raise_just_started(routine.kind);
  check_idle(routine);
  if (routine.state == State::Closed) {
    if (routine.kind == RoutineKind::Coroutine) std::rethrow_exception(cannot_reuse());
    return Outcome::Returned;
  }
  return deliver_outcome(routine, drive(routine, Mode::Send, sent, nullptr, result));
}

Outcome end_drive(Routine& routine) {
  retain(routine);
  return deliver_outcome(routine, leave_drive(routine));
}

namespace {

Outcome throw_to(Routine& routine, Mode mode, std::exception_ptr error, void* result) {
  if (!error) throw TypeError("throw_: there is no exception to throw");
  check_idle(routine);
  if (routine.state == State::Closed)
    std::rethrow_exception(routine.kind == RoutineKind::Coroutine ? cannot_reuse()
                                                                  : std::move(error));
  return deliver_outcome(routine, drive(routine, mode, nullptr, std::move(error), result));
}

}  // namespace

Outcome throw_into(Routine& routine, std::exception_ptr error, void* result) {
  return throw_to(routine, Mode::Throw, std::move(error), result);
}

Outcome throw_innermost(Routine& routine, std::exception_ptr error) {
  return throw_to(routine, Mode::Inject, std::move(error), nullptr);
}

void close_routine(Routine& routine) {
  check_idle(routine);
  if (routine.state == State::Closed) return;
  const RoutineKind kind = routine.kind;
  End end = drive(routine, Mode::Close, nullptr, nullptr, nullptr);
  release(&routine);
  if (end.outcome == Outcome::Yielded) std::rethrow_exception(ignored_exit(kind));
  if (end.error && !is_generator_exit(end.error)) std::rethrow_exception(std::move(end.error));
}

void drop_routine(Routine* routine) noexcept {
  if (routine->outcome == Outcome::Running) return;  // the end of its drive comes back to it
  if (routine->state == State::Created && routine->kind == RoutineKind::Coroutine)
    report_unawaited(routine->label.name ? routine->label.name : "a coroutine");
  if (routine->kind == RoutineKind::AsyncGenerator && leave_to_hooks(*routine)) return;
  if (routine->state == State::Suspended) {
    if (routine->owner != &coro_thread) {  // its stack cannot be run here: it stays where it is
      report_unraisable(std::make_exception_ptr(RuntimeError("destroyed on another thread")),
                        "while destroying a suspended generator or coroutine");
      return;
    }
    destroy_suspended(*routine);
  }
  if (routine->linked) ++coro_thread.shape;
  destroy_body(*routine);
  if (!routine->on_stack) return routine->table->deallocate(routine);
  const Stack stack = routine->stack;
  routine->~Routine();
  if (stack) release_stack(stack);
}

State state_of(const Routine& routine) noexcept {
  if (routine.state == State::Closed) return State::Closed;
  return is_executing(const_cast<Routine&>(routine)) ? State::Running : routine.state;
}

bool is_delegating(const Routine& routine) noexcept {
  if (routine.state != State::Suspended || !routine.base.delegating) return false;
  if (!is_executing(const_cast<Routine&>(routine))) return true;
  // While a throw or close passes through, its members count as delegating (3.11), unless they
  // began to in the course of it.
  for (const Routine* root = coro_thread.drive; root; root = root->outer_drive)
    for (const Routine* member = root; member; member = member->target)
      if (member == &routine) return root->forwards && routine.base.since != root->serial;
  return false;
}

void set_stack_options(Routine& routine, const StackOptions& options) {
  check_stack(options);
  if (routine.state != State::Created)
    throw RuntimeError(fmt::format("set_stack: the {} has started", name_of(routine.kind)));
  routine.stack_options = options;
}

void raise_just_started(RoutineKind kind) {
  throw TypeError(fmt::format("can't send non-None value to a just-started {}", name_of(kind)));
}

void raise_wrong_type(const char* what, const std::type_info& got, const std::type_info& wanted) {
  throw TypeError(
      fmt::format("{}: {} where {} is wanted", what, type_name(got), type_name(wanted)));
}

void check_sent(Routine& routine, const std::type_info& type) {
  if (routine.state != State::Suspended || is_executing(routine)) return;  // another error is due
  const Exchange* exchange = leaf_of(routine).exchange;
  const bool nothing = type == typeid(void);
  if (exchange && !(nothing ? exchange->may_be_nothing : type == *exchange->received))
    raise_wrong_type("send", type, *exchange->received);
}

const Offer& offer_of(Routine& routine) noexcept {
  routine.offer.exchange = leaf_of(routine).exchange;
  return routine.offer;
}

}  // namespace weft::detail
