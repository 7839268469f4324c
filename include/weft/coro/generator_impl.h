// The templates of generator.h, which includes this. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include <weft/base/records.h>
#include <weft/coro/generator.h>

namespace weft {

namespace detail {

/// The record of a routine together with what its body captured.
template <class F, class Caller, class Base>
struct RoutineOf final : Base {
  union {
    F body_function;
  };

  template <class G>
  RoutineOf(RoutineKind k, G&& function)
      : Base(&kTable, k), body_function(std::forward<G>(function)) {}
  ~RoutineOf() {}  // the captures went when the body ended

  static void* operator new(std::size_t size) { return take_record(size, alignof(RoutineOf)); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    return_record(memory, size, alignof(RoutineOf));
  }

  static void run(Routine& routine, Frame& frame) {
    Caller::call(static_cast<RoutineOf&>(routine).body_function, frame);
  }
  static void destroy(Routine& routine) noexcept {
    static_cast<RoutineOf&>(routine).body_function.~F();
  }
  static void deallocate(Routine* routine) noexcept {
    auto* const record = static_cast<RoutineOf*>(routine);
    if (!record->fleeting) {
      delete record;
      return;
    }
    record->~RoutineOf();
    free_fleeting(record);
  }

  /// A routine that has not started and that nobody else refers to.
  static Routine* move_to(Routine& from, void* place) noexcept {
    auto& old = static_cast<RoutineOf&>(from);
    auto* moved = ::new (place) RoutineOf(old.kind, std::move(old.body_function));
    moved->result = old.result;
    moved->task = old.task;
    moved->label = old.label;
    moved->stack_options = old.stack_options;
    old.body_function.~F();
    deallocate(&old);
    return moved;
  }
  static constexpr bool kMoves = std::is_nothrow_move_constructible_v<F> && alignof(F) <= 64;

  static const BodyTable kTable;
};

template <class F, class Caller, class Base>
constexpr BodyTable RoutineOf<F, Caller, Base>::kTable{run, destroy, deallocate, sizeof(RoutineOf),
                                                       kMoves ? move_to : nullptr};

/// One that will begin soon.
template <class Caller, class F>
Routine* make_fleeting(RoutineKind kind, F&& function) {
  using Made = RoutineOf<std::decay_t<F>, Caller>;
  constexpr bool kFits = Made::kMoves && sizeof(Made) <= kLargestMoved;
  void* const place = kFits ? allocate_fleeting(sizeof(Made)) : nullptr;
  if (!place) return new Made(kind, std::forward<F>(function));
  try {
    Routine* const made = ::new (place) Made(kind, std::forward<F>(function));
    made->fleeting = true;
    return made;
  } catch (...) {
    free_fleeting(place);
    throw;
  }
}

template <class R, class Call>
void store_result(Frame& frame, Call&& call) {
  if constexpr (std::is_void_v<R>) {
    call();
  } else {
    R result = call();
    if (void* place = result_place(frame))
      static_cast<ResultSlot<R>*>(place)->emplace(std::forward<R>(result));
  }
}

template <class Yield, class Send, class Return>
struct GeneratorCaller {
  template <class F>
  static void call(F& body, Frame& frame) {
    GeneratorSelf<Yield, Send, Return> self(frame);
    store_result<Return>(frame, [&]() -> Return { return static_cast<Return>(body(self)); });
  }
};

template <class Return>
struct CoroutineCaller {
  template <class F>
  static void call(F& body, Frame& frame) {
    store_result<Return>(frame, [&]() -> Return { return static_cast<Return>(body()); });
  }
};

template <class Value>
std::unique_ptr<Value> take_last(Routine& routine) {
  auto copy = std::make_unique<Value>(std::move(*static_cast<Value*>(routine.offer.value)));
  release(&routine);
  return copy;
}

/// To what a handle refers to.
struct Access {
  template <class Handle>
  static Routine* routine(const Handle& handle) noexcept {
    return handle.routine_;
  }
  template <class Handle>
  static auto* state(const Handle& handle) noexcept {
    return handle.state_;
  }
  template <class Handle, class State>
  static Handle make(State* state) noexcept {
    return Handle(state);
  }
  template <class Handle>
  static Routine* take(Handle& handle) noexcept {
    return std::exchange(handle.routine_, nullptr);
  }
};

/// To what has a stack of its own, or gets one. A StopIteration that is thrown at a generator which
/// ended behind its delegator's back comes out of it, and so ends the delegation with a result.
template <class R>
void delegate_afar(Frame& frame, Routine* routine, ResultSlot<R>& result) {
  try {
    delegate(frame, routine, &result);
  } catch (const StopIteration& stop) {
    if constexpr (std::is_object_v<R>)
      if (R* value = stop.value<R>()) result.emplace(std::move(*value));
  }
}

/// An rvalue: as a plain call if nobody else can hold it and it has not been started.
template <class R>
R delegate_to_temporary(Frame& frame, Routine* routine) {
  ResultSlot<R> result;
  if (routine->state != State::Created || routine->references != 1 ||
      !delegate_inline(frame, routine, &result))
    delegate_afar<R>(frame, routine, result);
  if constexpr (!std::is_void_v<R>)
    if (result) return std::move(*result);
  return none_or_raise<R>("the generator had ended before: it has no result to give");
}

template <class R>
R delegate_to_shared(Frame& frame, Routine* routine) {
  ResultSlot<R> result;
  retain(*routine);
  delegate_afar<R>(frame, routine, result);
  if constexpr (!std::is_void_v<R>)
    if (result) return std::move(*result);
  return none_or_raise<R>("the generator had ended before: it has no result to give");
}

}  // namespace detail

template <class Y, class S, class R>
auto Generator<Y, S, R>::throw_(std::exception_ptr error) -> Step {
  Step step;
  detail::Routine& routine = *routine_;
  give_value(step, routine, detail::throw_into(routine, std::move(error), step.place()));
  return step;
}

/// The position of a generator. Copies share it.
template <class Y, class S, class R>
class Generator<Y, S, R>::Iterator {
 public:
  using value_type = std::remove_cvref_t<Y>;
  using difference_type = std::ptrdiff_t;

  [[gnu::always_inline]] explicit Iterator(Generator& generator) : generator_(&generator) {
    ++*this;
  }

  [[gnu::always_inline]] Iterator& operator++() {
    Step step = generator_->next();
    value_ = step ? &step.value() : nullptr;
    return *this;
  }
  void operator++(int) { ++*this; }

  std::remove_reference_t<Y>& operator*() const noexcept { return *value_; }
  friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
    return it.value_ == nullptr;
  }

 private:
  Generator* generator_;
  std::remove_reference_t<Y>* value_ = nullptr;
};

template <class Y, class S, class R>
auto Generator<Y, S, R>::begin() -> Iterator
  requires std::is_void_v<S> || detail::kIsOptional<S>
{
  return Iterator(*this);
}

}  // namespace weft

#include <weft/coro/yield_from.h>
