// Generators: functions that produce values one at a time. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>

#include <weft/coro/routine.h>
#include <weft/coro/step.h>

namespace weft {

template <class Yield, class Send, class Return>
class Generator;

namespace detail {

template <class T>
inline constexpr bool kIsGenerator = false;
template <class Y, class S, class R>
inline constexpr bool kIsGenerator<Generator<Y, S, R>> = true;

struct Access;
template <class F, class Caller, class Base = Routine>
struct RoutineOf;
template <class Yield, class Send, class Return>
struct GeneratorCaller;
/// Of a generator of which nothing but the present call is left: a copy of what it yielded. It is
/// not given the step, so that steps need no memory.
template <class Value>
std::unique_ptr<Value> take_last(Routine& routine);

struct NothingSent {};
template <class S>
using Sent = std::conditional_t<std::is_void_v<S>, NothingSent, S>;

/// What a yield gives, from where it was put.
template <class Send>
[[gnu::always_inline]] inline Send received(void* sent) {
  if constexpr (!std::is_void_v<Send>) {
    if (sent) [[likely]]
      return std::move(*static_cast<std::remove_reference_t<Send>*>(sent));
    if constexpr (kIsOptional<Send>)
      return Send();
    else
      throw TypeError("next() into a generator that has to be sent a value");
  }
}

template <class T, class Yield>
inline constexpr bool kIsStepOf = false;
template <class Yield, class R>
inline constexpr bool kIsStepOf<Step<Yield, R>, Yield> = true;

template <class It, class Yield>
concept SubIterator = requires(It& it) { requires kIsStepOf<decltype(it.next()), Yield>; };

}  // namespace detail

/// The `self` of a generator's body: the way to yield. Pass it on by reference; any function that
/// the body calls may use it.
template <class Yield, class Send, class Return>
class GeneratorSelf {
 public:
  explicit GeneratorSelf(detail::Frame& frame) noexcept : frame_(frame) {}
  GeneratorSelf(const GeneratorSelf&) = delete;
  GeneratorSelf& operator=(const GeneratorSelf&) = delete;

  /// Hands `value` to whoever resumed the generator. Returns what the next send() brings; a next()
  /// brings an empty std::optional.
  ///
  /// Suspends:  always, to the driver: no event loop is involved.
  /// Throws:    what throw_() brings; GeneratorExit when the generator is closed or destroyed: let
  ///            it pass. TypeError if next() resumes a generator whose Send is not optional.
  /// Source:    PEP 342
  [[gnu::always_inline]] Send yield(Yield value) {
    return detail::received<Send>(
        detail::suspend(frame_, detail::address_of(value), &detail::kExchange<Yield, Send>));
  }

  /// Delegates to `target` until it returns, and gives its result: all that is sent to, thrown into
  /// or closed in this generator reaches the target, which yields to this generator's driver.
  ///
  /// `target` is a generator with the same Yield and Send (an rvalue that has not been started
  /// runs on this stack, as a plain call), an object with next() and, where needed, send(),
  /// throw_() and close(), or any input range, of which the elements are yielded. The methods of an
  /// object give a Step<Yield, ...>, or throw StopIteration at the end; without throw_() what is
  /// thrown is raised here. A generator is held meanwhile: its handle may go.
  ///
  /// Suspends:  as often as the target does.
  /// Throws:    as yield(), and what the target throws. ValueError if it is being run already;
  ///            AttributeError if a value is sent and an object has no send(), as ranges have none;
  ///            a range drops what has to be sent where Send is no optional.
  /// Source:    PEP 380
  template <class R>
  R yield_from(Generator<Yield, Send, R>&& target);
  template <class R>
  R yield_from(Generator<Yield, Send, R>& target);
  template <class It>
    requires(!detail::kIsGenerator<std::remove_cvref_t<It>>) && detail::SubIterator<It, Yield>
  auto yield_from(It&& target);
  template <std::ranges::input_range Range>
    requires(!detail::kIsGenerator<std::remove_cvref_t<Range>>) &&
            (!detail::SubIterator<Range, Yield>) &&
            std::convertible_to<std::ranges::range_reference_t<Range>, Yield>
  void yield_from(Range&& range);

 private:
  Send delegated_yield(Yield value);
  template <class It>
  auto advance(It& target, Yield& value);

  detail::Frame& frame_;
};

/// A function that produces values of type Yield one at a time, is sent values of type Send at each
/// of them, and ends with a Return. Calling what makes the generator runs nothing of its body; each
/// next() or send() runs it to its next yield, on a stack of its own, so that any function called
/// from the body may yield.
///
///     Generator<int> lazy_range(int up_to) {
///       return {[=](auto& self) { for (int i = 0; i < up_to; ++i) self.yield(i); }};
///     }
///     for (int i : lazy_range(3)) ...
///
/// A generator is a view and an input range. Destroying it closes it; what it throws then goes to
/// the unraisable hook. A body that yields while it is being destroyed is abandoned: the
/// destructors of its locals do not run.
///
/// Thread: a started generator belongs to its thread. Source: PEP 255, 342, 380, 479
template <class Yield, class Send = void, class Return = void>
class Generator : public std::ranges::view_base {
 public:
  using Self = GeneratorSelf<Yield, Send, Return>;
  using Step = weft::Step<Yield, Return>;
  using Result = Return;
  class Iterator;

  /// `body(self)`; it is copied or moved in, and destroyed when it has ended.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Generator>) &&
            std::invocable<std::decay_t<F>&, Self&>
  Generator(F&& body)
      : routine_(
            new detail::RoutineOf<std::decay_t<F>, detail::GeneratorCaller<Yield, Send, Return>>(
                detail::RoutineKind::Generator, std::forward<F>(body))) {}

  Generator(Generator&& other) noexcept : routine_(std::exchange(other.routine_, nullptr)) {}
  Generator& operator=(Generator&& other) noexcept {
    Generator old(std::move(*this));
    routine_ = std::exchange(other.routine_, nullptr);
    return *this;
  }
  ~Generator() { detail::release(routine_); }

  /// Runs the body to its next yield, or to its end.
  ///
  /// Throws: what the body throws; RuntimeError in place of a StopIteration; ValueError if it is
  ///         running; TypeError once it is started and Send is neither void nor optional.
  [[gnu::always_inline]] Step next() { return step(nullptr); }

  /// The same, and the body's yield() returns `value`.
  ///
  /// Throws: as next(); TypeError if the body has not been started, unless `value` is std::nullopt.
  [[gnu::always_inline]] Step send(detail::Sent<Send> value)
    requires(!std::is_void_v<Send>)
  {
    if constexpr (detail::kIsOptional<Send>)
      if (!value) return step(nullptr);
    return step(&value);
  }

  /// Raises `error` at the yield where the body stands.
  ///
  /// Throws: as next(); `error` itself if the body does not handle it or has ended.
  Step throw_(std::exception_ptr error);
  template <class E>
    requires(!std::same_as<std::decay_t<E>, std::exception_ptr>)
  Step throw_(E&& error) {
    return throw_(std::make_exception_ptr(std::forward<E>(error)));
  }

  /// Raises GeneratorExit at the yield where the body stands, and expects it to end. What it
  /// delegates to is closed first. No effect on an ended or unstarted one, but that it stays ended.
  ///
  /// Throws: RuntimeError if the body yields again; what else it throws.
  void close() { detail::close_routine(*routine_); }

  State state() const noexcept { return detail::state_of(*routine_); }

  /// How large a stack it is to have. One that is delegated to as a temporary runs on its
  /// delegator's.
  ///
  /// Throws: ValueError that names `size` or `guard`; RuntimeError if it has started.
  void set_stack(const StackOptions& options) { detail::set_stack_options(*routine_, options); }

  /// True while it is suspended in a yield_from(). Source: gi_yieldfrom
  bool is_delegating() const noexcept { return detail::is_delegating(*routine_); }

  /// Goes on from where the generator stands. Iterators share its one position.
  Iterator begin()
    requires std::is_void_v<Send> || detail::kIsOptional<Send>;
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend struct detail::Access;

  [[gnu::always_inline]] Step step(void* sent) {
    Step step;
    detail::Routine& routine = *routine_;  // the handle may go while it runs
    give_value(step, routine, detail::resume(routine, sent, step.place()));
    return step;
  }

  [[gnu::always_inline]] static void give_value(Step& step, detail::Routine& routine,
                                                detail::Outcome outcome) {
    if (outcome == detail::Outcome::Yielded) [[likely]] {
      step.set_value(routine.offer.value);
    } else if (outcome == detail::Outcome::YieldedLast) {
      if constexpr (std::is_reference_v<Yield>) {
        step.set_value(routine.offer.value);
        detail::release(&routine);
      } else {
        step.keep(detail::take_last<std::remove_const_t<Yield>>(routine));
      }
    }
  }

  detail::Routine* routine_;
};

}  // namespace weft

#include <weft/coro/generator_impl.h>
