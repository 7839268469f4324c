// yield from and await: PEP 380 on stacks.
//
// A fresh generator runs as a plain call on the stack of its delegator, with a frame record of its
// own; anything else has its own stack and is linked into the chain. Either way the leaf is resumed
// directly, so an item costs the same at any depth.

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/coro/routine.h>
#include <weft/coro/unsuspendable.h>

#include "base/assert.h"
#include "coro/chain.h"
#include "coro/drive.h"
#include "coro/suspension.h"

namespace weft::detail {

namespace {

/// What a plain call needs at least; below that a delegation gets a stack of its own.
constexpr std::ptrdiff_t kInlineRoom = 24 * 1024;

/// The innermost frame that is being closed, from the leaf outwards.
Frame* innermost_closing(Routine& root, Routine& leaf) noexcept {
  for (Routine* member = &leaf;; member = &delegator_of(root, *member)) {
    for (Frame* frame = member->top; frame; frame = frame->outer)
      if (frame->closing) return frame;
    if (member == &root) return nullptr;
  }
}

/// A C++ frame cannot just be dropped. One that swallows GeneratorExit so often will do so for
/// ever.
constexpr int kPatience = 100;

/// A frame that runs inline refuses to end. Python would drop its last reference: GeneratorExit is
/// raised in it at once, and again for as long as it goes on to suspend.
[[noreturn]] void finalize(Frame& frame) {
  if (frame.ignored) {
    report_unraisable(ignored_exit(frame.kind), "while finalizing a generator");
    if (++frame.refusals == kPatience) die("a generator refuses to end, however often it is asked");
  }
  frame.ignored = true;
  for (Routine* member = frame.home; member; member = member->target)
    for (Frame* inner = member->top; inner; inner = inner->outer) {
      mark_closing(*inner);
      if (inner == &frame) break;
    }
  throw GeneratorExit();
}

/// A frame with its own stack refuses to end: it stays suspended, its delegator hears of it.
void refuse(Routine& root, Context& from, Frame& refusing) {
  refusing.closing = false;
  Routine& delegator = delegator_of(root, *refusing.home);
  unlink(delegator);
  delegator.thrown = ignored_exit(refusing.kind);
  delegator.top->pending = nullptr;
  hand_over(root, delegator);
  switch_context(from, delegator.context);
}

}  // namespace

void* suspend_slowly(Frame& frame, void* value, const Exchange* exchange, bool delegating) {
  Routine& home = *frame.home;
  Routine& root = *home.root;
  if (coro_thread.unsuspendable) [[unlikely]]
    check_may_suspend(root);
  if (root.task) return the_loop_driver().trap(frame, value, exchange);
  Suspension suspension(frame, delegating);
  home.exchange = exchange;
  Frame* refusing = root.closing ? innermost_closing(root, home) : nullptr;
  if (refusing && refusing != &root.base) {
    if (refusing->outer) finalize(*refusing);
    suspension.nested().cut();
    refuse(root, suspension.context(), *refusing);
  } else {
    if (refusing) refusing->closing = false;  // close() itself reports it
    root.outcome = Outcome::Yielded;
    root.offer.value = value;
    switch_context(suspension.context(), root.back);
  }
  return suspension.resumed();
}

void* result_place(const Frame& frame) noexcept {
  if (frame.outer) return frame.outer->result;
  Routine& routine = *frame.home;
  Routine& root = *routine.root;
  return &routine == &root ? root.result : delegator_of(root, routine).top->result;
}

namespace {

bool has_room(const Routine& home) noexcept {
  if (coro_thread.drive != home.root) return false;  // another stack, driven from this one
  auto* here = static_cast<std::byte*>(__builtin_frame_address(0));
  return here - home.stack.bottom > kInlineRoom && here < home.stack.top;
}

/// A body that runs as a plain call: its frame is on top while it does.
class InlineCall {
 public:
  InlineCall(Frame& delegator, Frame& inner, const InlineBody& body, void* result) noexcept
      : delegator_(delegator), body_(body), was_delegating_(delegator.delegating) {
    inner.outer = &delegator;
    inner.home = delegator.home;
    inner.kind = body.kind;
    delegator.delegating = true;
    delegator.since = delegator.home->root->serial;
    delegator.result = result;
    delegator.home->top = &inner;
  }
  InlineCall(const InlineCall&) = delete;
  InlineCall& operator=(const InlineCall&) = delete;
  ~InlineCall() {
    body_.end(body_.argument);
    delegator_.home->top = &delegator_;
    delegator_.delegating = was_delegating_;
  }

 private:
  Frame& delegator_;
  const InlineBody& body_;
  bool was_delegating_;
};

/// None of the frame's code runs again: its stack is left for ever.
[[noreturn]] void leave_abandoned(Frame& frame) {
  Routine& home = *frame.home;
  home.running = false;
  home.root->outcome = Outcome::Gone;
  leave_context(home.root->back);
}

/// The inner body ended in one of the ways that concern its delegator.
void end_inline(Frame& inner, Frame& delegator, std::exception_ptr error) {
  const bool noise = error && (inner.ignored || delegator.abandoned) && !is_generator_exit(error);
  if (noise) report_unraisable(error, "while finalizing a generator");
  if (delegator.abandoned) {
    error = nullptr;  // nothing is destroyed on this stack any more
    leave_abandoned(delegator);
  }
  if (inner.ignored) {
    delegator.pending = nullptr;
    std::rethrow_exception(ignored_exit(inner.kind));
  }
  if (!settle(inner, delegator, error == nullptr, error)) std::rethrow_exception(std::move(error));
}

}  // namespace

bool delegate_inline(Frame& frame, const InlineBody& body, void* result) {
  if (!has_room(*frame.home)) return false;
  Frame inner;
  std::exception_ptr error;
  {
    const InlineCall call(frame, inner, body, result);
    try {
      body.run(body.argument, inner);
    } catch (const StopIteration&) {
      error = stray_stop(inner.kind, std::current_exception());
    } catch (...) {
      if (!inner.closing && !inner.ignored && !frame.abandoned) throw;
      error = std::current_exception();
    }
  }
  if (error || inner.closing || inner.ignored || frame.abandoned) [[unlikely]]
    end_inline(inner, frame, std::move(error));
  return true;
}

bool delegate_inline(Frame& frame, Routine* fresh, void* result) {
  const InlineBody body{fresh->kind,
                        [](void* argument, Frame& inner) {
                          Routine& routine = *static_cast<Routine*>(argument);
                          routine.state = State::Closed;
                          routine.body->run(routine, inner);
                        },
                        [](void* argument) noexcept { release(static_cast<Routine*>(argument)); },
                        fresh};
  return delegate_inline(frame, body, result);
}

namespace {

/// The reference that a delegation holds.
class Hold {
 public:
  explicit Hold(Routine* routine) noexcept : routine_(routine) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { reset(); }
  void reset() noexcept {
    Routine* routine = std::exchange(routine_, nullptr);
    if (!routine) return;
    if (routine->state == State::Closed && !routine->running) retire_stack(*routine);
    release(routine);
  }
  [[noreturn]] void fail(std::exception_ptr error) {
    reset();  // before the error reaches anybody
    std::rethrow_exception(std::move(error));
  }

 private:
  Routine* routine_;
};

}  // namespace

void delegate(Frame& frame, Routine* target, void* result) {
  Routine& home = *frame.home;
  Hold hold(target);
  if (may_wait(frame.kind) && target->kind == RoutineKind::Coroutine && is_delegating(*target))
    hold.fail(std::make_exception_ptr(RuntimeError("coroutine is being awaited already")));
  if (is_executing(*target)) hold.fail(already_executing(target->kind));
  if (target->state == State::Closed) {
    if (target->kind == RoutineKind::Coroutine) hold.fail(cannot_reuse());
    return;
  }
  Suspension suspension(frame, true);
  Routine& root = *home.root;
  const bool fresh = target->state == State::Created;
  if (fresh) begin(*target);
  // Looked up before the link is made: the target's chain may lead back to this routine.
  Routine& next = fresh ? *target : deliver(root, *target, Mode::Send, nullptr, nullptr);
  link(home, *target);
  root.leaf = &next;
  root.leaf_shape = coro_thread.shape;
  frame.result = result;
  suspension.nested().cut();
  Context& context = suspension.context();
  hand_over(root, next);
  enter(context, next, fresh);
  suspension.come_back();
  std::exception_ptr error = std::exchange(home.thrown, nullptr);
  hold.reset();  // before anything else happens
  if (error) std::rethrow_exception(std::move(error));
}

Frame& current_coroutine_frame(const char* what) {
  Routine* drive = coro_thread.drive;
  while (drive && !may_wait(drive->kind)) drive = drive->outer_drive;
  if (!drive) throw RuntimeError(what);
  return *leaf_of(*drive).top;
}

}  // namespace weft::detail
