#include "coro/chain.h"

#include <string>

#include <weft/base/errors.h>

namespace weft::detail {

Routine& leaf_of(Routine& routine) noexcept {
  const std::uint64_t shape = coro_thread.shape;
  Routine* leaf = routine.leaf_shape == shape ? routine.leaf : &routine;
  while (leaf->target) leaf = leaf->target;
  if (routine.owner == &coro_thread) {  // or asking for its state here would let it be resumed here
    routine.leaf = leaf;
    routine.leaf_shape = shape;
  }
  return *leaf;
}

bool is_executing(Routine& routine) noexcept {
  if (routine.state != State::Suspended) return routine.running;
  const Routine& leaf = leaf_of(routine);
  if (!leaf.running) return false;
  for (Routine* member = leaf.root; member; member = member->target)
    if (member == &routine) return true;
  return false;
}

Routine* executing_member(Routine& routine) noexcept {
  if (!leaf_of(routine).running) return nullptr;
  Routine* member = &routine;
  while (!is_executing(*member)) member = member->target;
  return member;
}

Routine& delegator_of(Routine& root, const Routine& routine) noexcept {
  // With one delegator left the link may still be missing: it named another one, which has ended.
  if (routine.delegators == 1 && routine.delegator) return *routine.delegator;
  Routine* member = &root;
  while (member->target != &routine) member = member->target;
  return *member;
}

void link(Routine& delegator, Routine& target) noexcept {
  delegator.target = &target;
  target.delegator = &delegator;
  target.linked = true;
  ++target.delegators;
  if (delegator.task) the_loop_driver().retargeted(delegator);
}

void unlink(Routine& delegator) noexcept {
  Routine& target = *delegator.target;
  delegator.target = nullptr;
  --target.delegators;
  if (target.delegator == &delegator) target.delegator = nullptr;
  ++coro_thread.shape;
  if (delegator.task) the_loop_driver().retargeted(delegator);
}

void mark_closing(Frame& frame) noexcept {
  frame.closing = true;
  frame.since = 0;  // a close that comes later in the same drive passes through it, too
}

void mark_closing(Routine& from, const Routine* until) noexcept {
  for (Routine* member = &from; member != until; member = member->target)
    for (Frame* frame = member->top; frame; frame = frame->outer) mark_closing(*frame);
}

bool settle(const Frame& inner, Frame& delegator, bool returned, std::exception_ptr& error) {
  if (!inner.closing) return returned;
  std::exception_ptr pending = std::exchange(delegator.pending, nullptr);
  if (returned || is_generator_exit(error)) error = pending ? std::move(pending) : generator_exit();
  return false;
}

const char* name_of(RoutineKind kind) noexcept {
  switch (kind) {
    case RoutineKind::Generator:
      return "generator";
    case RoutineKind::Coroutine:
      return "coroutine";
    case RoutineKind::AsyncGenerator:
      break;
  }
  return "async generator";
}

namespace {

std::string about(RoutineKind kind, const char* what) {
  return std::string(name_of(kind)) + " " + what;
}

template <class E>
bool is(const std::exception_ptr& error) noexcept {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

std::exception_ptr already_executing(RoutineKind kind) {
  return std::make_exception_ptr(ValueError(about(kind, "already executing")));
}

std::exception_ptr ignored_exit(RoutineKind kind) {
  return std::make_exception_ptr(RuntimeError(about(kind, "ignored GeneratorExit")));
}

std::exception_ptr cannot_reuse() {
  return std::make_exception_ptr(RuntimeError("cannot reuse already awaited coroutine"));
}

std::exception_ptr stray_stop(RoutineKind kind, std::exception_ptr stop) {
  const bool iteration = is<StopIteration>(stop);
  RuntimeError error(about(kind, iteration ? "raised StopIteration" : "raised StopAsyncIteration"));
  error.set_cause(std::move(stop));
  return std::make_exception_ptr(std::move(error));
}

std::exception_ptr generator_exit() { return std::make_exception_ptr(GeneratorExit()); }

bool is_generator_exit(const std::exception_ptr& error) noexcept {
  return is<GeneratorExit>(error);
}

bool is_stray_stop(RoutineKind kind, const std::exception_ptr& error) noexcept {
  return is<StopIteration>(error) || (kind == RoutineKind::AsyncGenerator && is_async_stop(error));
}

bool is_async_stop(const std::exception_ptr& error) noexcept {
  return is<StopAsyncIteration>(error);
}

}  // namespace weft::detail
