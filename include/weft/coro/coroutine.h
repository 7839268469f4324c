// Coroutine objects, and the way out of them. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <utility>

#include <weft/coro/generator.h>

namespace weft {

/// What a coroutine has trapped, of whatever type: the driver asks for it by its type.
///
/// Refers to the value on the coroutine's stack; good until the coroutine is resumed.
class Trap {
 public:
  explicit Trap(const detail::Offer& offer) noexcept : offer_(offer) {}

  /// The type of the trapped value; typeid(void) if the coroutine was destroyed meanwhile.
  const std::type_info& type() const noexcept {
    return offer_.exchange ? *offer_.exchange->yielded : typeid(void);
  }

  template <class T>
  bool holds() const noexcept {
    return type() == typeid(T);
  }

  /// Throws: TypeError if a value of another type was trapped.
  template <class T>
  T& get() const {
    if (!holds<T>()) detail::raise_wrong_type("trapped", type(), typeid(T));
    return *static_cast<T*>(offer_.value);
  }

  // To pass it on.
  void* address() const noexcept { return offer_.value; }

 private:
  detail::Offer offer_;
};

/// Suspends the innermost running coroutine, from any depth of calls: its driver is given `value`,
/// and what the driver sends is returned.
///
/// This is the one door out of a coroutine: every wait of weft goes through it. Call it directly to
/// talk to an event loop of your own. A generator that the coroutine drives stays "running"
/// meanwhile. A Trap is passed on as what it holds: so a coroutine that drives others by hand hands
/// their waits to its own driver.
///
/// Suspends:  always.
/// Cancelled: throws what the driver's throw_() or close() brings.
/// Throws:    RuntimeError outside a coroutine.
/// Source:    PEP 492, types.coroutine
template <class Received = void, class T>
Received trap(T&& value) {
  using Value = std::decay_t<T>;
  detail::Frame& frame = detail::current_coroutine_frame("trap() outside a coroutine");
  void* got = nullptr;
  if constexpr (std::is_same_v<Value, Trap>) {
    detail::Exchange passed_on = detail::kExchange<void, Received>;
    passed_on.yielded = &value.type();
    got = detail::suspend_slowly(frame, value.address(), &passed_on, true);
  } else {
    got = detail::suspend_slowly(frame, detail::address_of(value),
                                 &detail::kExchange<Value, Received>, true);
  }
  if constexpr (!std::is_void_v<Received>) {
    if (got) return std::move(*static_cast<Received*>(got));
    return detail::none_or_raise<Received>("the coroutine was resumed without a value");
  }
}

/// A function that can wait, as an object: nothing of it runs until it is awaited, or driven by
/// send(). It may call anything that waits.
///
///     Coroutine<int> add(int a, int b) {
///       return {[=] { weft::sleep(1ms); return a + b; }};
///     }
///     int five = await(add(2, 3));
///
/// Whoever drives it with send() is its event loop: each trap() comes out as a step's value. Like
/// a generator it is closed when it is destroyed half-way.
///
/// Thread: a started coroutine belongs to its thread. Source: PEP 492
template <class Return = void>
class Coroutine {
 public:
  using Step = weft::Step<Trap, Return>;
  using Result = Return;

  /// `body()`; it is copied or moved in, and destroyed when it has ended.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Coroutine>) && std::invocable<std::decay_t<F>&>
  Coroutine(F&& body)
      : routine_(new detail::RoutineOf<std::decay_t<F>, detail::CoroutineCaller<Return>>(
            detail::RoutineKind::Coroutine, std::forward<F>(body))) {}

  Coroutine(Coroutine&& other) noexcept : routine_(std::exchange(other.routine_, nullptr)) {}
  Coroutine& operator=(Coroutine&& other) noexcept {
    Coroutine old(std::move(*this));
    routine_ = std::exchange(other.routine_, nullptr);
    return *this;
  }
  ~Coroutine() { detail::release(routine_); }

  /// Runs the body to its next trap, or to its end.
  ///
  /// Throws: what the body throws; RuntimeError if it has ended before; ValueError if it is
  ///         running; TypeError if the trap expects a value.
  Step send() { return step(nullptr, typeid(void)); }

  /// The same, and the body's trap<T>() returns `value`.
  ///
  /// Throws: as send(); TypeError if the trap expects another type, or the body has not started.
  ///         The coroutine is then where it was.
  template <class T>
  Step send(T value) {
    return step(&value, typeid(T));
  }

  /// Raises `error` at the trap where the body stands.
  Step throw_(std::exception_ptr error) {
    Step step;
    detail::Routine& routine = *routine_;
    return finish(step, routine, detail::throw_into(routine, std::move(error), step.place()));
  }
  template <class E>
    requires(!std::same_as<std::decay_t<E>, std::exception_ptr>)
  Step throw_(E&& error) {
    return throw_(std::make_exception_ptr(std::forward<E>(error)));
  }

  /// Raises GeneratorExit at the trap where the body stands, and expects it to end.
  ///
  /// Throws: RuntimeError if the body traps again; what else it throws.
  void close() { detail::close_routine(*routine_); }

  State state() const noexcept { return detail::state_of(*routine_); }

  /// True while it awaits something. Source: cr_await
  bool is_delegating() const noexcept { return detail::is_delegating(*routine_); }

  /// How large a stack it is to have. One that is awaited as a temporary runs on its caller's.
  ///
  /// Throws: ValueError that names `size` or `guard`; RuntimeError if it has started.
  void set_stack(const StackOptions& options) { detail::set_stack_options(*routine_, options); }

  /// A name for reports, say of one that is never awaited. `label` must outlive the coroutine.
  void set_label(const char* label) noexcept { routine_->label.name = label; }

 private:
  friend struct detail::Access;

  Step step(void* sent, const std::type_info& type) {
    detail::Routine& routine = *routine_;  // the handle may go while it runs
    detail::check_sent(routine, type);
    Step step;
    return finish(step, routine, detail::resume(routine, sent, step.place()));
  }

  static Step finish(Step& step, detail::Routine& routine, detail::Outcome outcome) {
    if (outcome == detail::Outcome::Yielded) step.set_value(Trap(detail::offer_of(routine)));
    if (outcome == detail::Outcome::YieldedLast) {
      step.set_value(Trap(detail::Offer{}));  // the value goes with the coroutine
      detail::release(&routine);
    }
    return std::move(step);
  }

  detail::Routine* routine_;
};

}  // namespace weft
