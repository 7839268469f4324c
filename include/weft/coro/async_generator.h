// Generators whose items have to be waited for. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <weft/coro/async_routine.h>
#include <weft/coro/await.h>
#include <weft/coro/coroutine.h>
#include <weft/coro/generator.h>

namespace weft {

/// The `self` of an asynchronous generator's body: the way to yield.
template <class Yield, class Send>
class AsyncGeneratorSelf {
 public:
  explicit AsyncGeneratorSelf(detail::Frame& frame) noexcept : frame_(frame) {}
  AsyncGeneratorSelf(const AsyncGeneratorSelf&) = delete;
  AsyncGeneratorSelf& operator=(const AsyncGeneratorSelf&) = delete;

  /// Hands `value` to whoever awaits the next item. Returns what the next asend() brings; an
  /// anext() brings an empty std::optional.
  ///
  /// Suspends:  always, until the next item is asked for.
  /// Throws:    what athrow() brings; GeneratorExit from aclose(), or when the generator is
  ///            destroyed: let it pass. TypeError if anext() resumes a generator whose Send is
  ///            not optional.
  [[gnu::always_inline]] Send yield(Yield value) {
    return detail::received<Send>(
        detail::suspend(frame_, detail::address_of(value), &detail::kItemExchange<Yield, Send>));
  }

 private:
  detail::Frame& frame_;
};

/// What anext(), asend(), athrow() and aclose() give: a step of the generator, to be awaited once.
/// Nothing happens before. It may also be driven by hand, as a coroutine: its values are the traps
/// of the generator's body, its result is the item.
///
/// It refers to its generator and keeps it alive. Source: PEP 525
template <class Item, class Sent = void>
class AsyncStep {
 public:
  using Step = weft::Step<Trap, Item>;
  using Result = Item;

  AsyncStep(detail::AsyncRequest&& request, detail::Sent<Sent> first, bool is_first)
      : request_(std::move(request)), first_(std::move(first)), has_first_(is_first) {}
  AsyncStep(AsyncStep&&) noexcept = default;
  AsyncStep& operator=(AsyncStep&&) = delete;

  /// Runs the body to its next trap, or to the item.
  ///
  /// Throws: what the body throws; StopAsyncIteration if it has returned; RuntimeError if this
  ///         step has been awaited before, or another one is under way.
  Step send() { return stepped(request_.send({}, first())); }

  /// The same, and the body's trap<T>(), or yield() in place of asend()'s value, returns `value`.
  ///
  /// Throws: as send(); TypeError if another type is expected, or the body has not started.
  template <class T>
  Step send(T value) {
    return stepped(request_.send({&value, &typeid(T)}, first()));
  }

  /// Raises `error` where the body stands.
  Step throw_(std::exception_ptr error) { return stepped(request_.throw_(std::move(error))); }
  template <class E>
    requires(!std::same_as<std::decay_t<E>, std::exception_ptr>)
  Step throw_(E&& error) {
    return throw_(std::make_exception_ptr(std::forward<E>(error)));
  }

  /// It cannot be awaited any more. The generator stays where it is.
  void close() noexcept { request_.close(); }

  /// Requires:  it stays where it is meanwhile.
  /// Suspends:  if the body waits.
  /// Cancelled: CancelledError, where the body waits.
  /// Throws:    as send(). RuntimeError outside a coroutine or task.
  Item await() {
    void* item = request_.await(first());
    if constexpr (!std::is_void_v<Item>)
      if (item) return std::move(*static_cast<Item*>(item));
    return detail::none_or_raise<Item>("the generator had ended before: it has no item to give");
  }

 private:
  detail::Mail first() noexcept {
    return has_first_ ? detail::Mail{detail::address_of(first_), &typeid(Sent)} : detail::Mail{};
  }

  Step stepped(detail::AsyncRequest::Outcome outcome) {
    Step step;
    if (outcome == detail::AsyncRequest::Outcome::Trapped)
      step.set_value(Trap(detail::offer_of(request_.routine())));
    if constexpr (!std::is_void_v<Item>)
      if (outcome == detail::AsyncRequest::Outcome::Item)
        step.slot().emplace(std::move(*static_cast<Item*>(request_.item())));
    return step;
  }

  detail::AsyncRequest request_;
  detail::Sent<Sent> first_;
  bool has_first_;
};

/// A function that produces values of type Yield one at a time, and waits in between. Nothing of it
/// runs until an item is asked for; what it waits for then, the asking coroutine waits for.
///
///     AsyncGenerator<std::string> lines(Socket& socket) {
///       return {[&](auto& self) { while (...) self.yield(read_line(socket)); }};
///     }
///     async_for(lines(socket), [](std::string line) { ... });
///     auto it = lines(socket);
///     std::string first = await(it.anext());
///
/// One that is not iterated to its end should be closed: `await(it.aclose())`. If it is dropped
/// half-way, a task of the event loop under which it was first iterated does that; without a loop
/// it is closed when it is destroyed, and cannot wait any more.
///
/// Thread: once iterated it belongs to its thread. Source: PEP 525
template <class Yield, class Send = void>
class AsyncGenerator {
  static_assert(std::is_object_v<Yield> && !std::is_const_v<Yield>,
                "the items of an AsyncGenerator are objects: no references, nothing const");

 public:
  using Self = AsyncGeneratorSelf<Yield, Send>;
  using Item = Yield;

  /// `body(self)`; it is copied or moved in, and destroyed when it has ended.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, AsyncGenerator>) &&
            std::invocable<std::decay_t<F>&, Self&>
  AsyncGenerator(F&& body)
      : routine_(new detail::RoutineOf<std::decay_t<F>, Caller, detail::AsyncRoutine>(
            detail::RoutineKind::AsyncGenerator, std::forward<F>(body))) {}

  AsyncGenerator(AsyncGenerator&& other) noexcept
      : routine_(std::exchange(other.routine_, nullptr)) {}
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    AsyncGenerator old(std::move(*this));
    routine_ = std::exchange(other.routine_, nullptr);
    return *this;
  }
  ~AsyncGenerator() { detail::release(routine_); }

  /// The next item. What is awaited throws StopAsyncIteration if there is none, RuntimeError in
  /// place of a StopIteration or StopAsyncIteration of the body's own.
  AsyncStep<Yield, Send> anext() { return {request(Verb::Send), {}, false}; }

  /// The same, and the body's yield() returns `value`.
  ///
  /// Throws: TypeError, when awaited, if the body has not started, unless `value` is std::nullopt.
  AsyncStep<Yield, Send> asend(detail::Sent<Send> value)
    requires(!std::is_void_v<Send>)
  {
    bool is_value = true;
    if constexpr (detail::kIsOptional<Send>) is_value = value.has_value();
    return {request(Verb::Send), std::move(value), is_value};
  }

  /// Raises `error` at the yield where the body stands, and gives its next item.
  AsyncStep<Yield> athrow(std::exception_ptr error) {
    if (!error) throw TypeError("athrow: there is no exception to throw");
    return {request(Verb::Throw, std::move(error)), {}, false};
  }
  template <class E>
    requires(!std::same_as<std::decay_t<E>, std::exception_ptr>)
  AsyncStep<Yield> athrow(E&& error) {
    return athrow(std::make_exception_ptr(std::forward<E>(error)));
  }

  /// Raises GeneratorExit at the yield where the body stands, and expects it to end. The body may
  /// wait meanwhile.
  ///
  /// Throws: RuntimeError, when awaited, if the body yields again; what else it throws.
  AsyncStep<void> aclose() { return {request(Verb::Close), {}, false}; }

  /// How large a stack it is to have. Throws: as Generator::set_stack().
  void set_stack(const StackOptions& options) { detail::set_stack_options(*routine_, options); }

  /// True from the beginning of a step to its end, also while the body waits. Source: ag_running
  bool is_running() const noexcept { return routine_->busy; }

  /// True once the body has ended.
  bool is_closed() const noexcept { return routine_->state == State::Closed; }

  /// True while the body waits for something. Source: ag_await
  bool is_delegating() const noexcept { return detail::is_delegating(*routine_); }

 private:
  friend class AnyAsyncGenerator;
  using Verb = detail::AsyncRequest::Verb;

  struct Caller {
    template <class F>
    static void call(F& body, detail::Frame& frame) {
      Self self(frame);
      body(self);
    }
  };

  detail::AsyncRequest request(Verb verb, std::exception_ptr error = nullptr) {
    return {*routine_, verb, std::move(error)};
  }

  detail::AsyncRoutine* routine_;
};

/// A reference to an asynchronous generator of whatever type, for those who only close it.
class AnyAsyncGenerator {
 public:
  template <class Yield, class Send>
  explicit AnyAsyncGenerator(const AsyncGenerator<Yield, Send>& generator) noexcept
      : AnyAsyncGenerator(*generator.routine_) {}
  explicit AnyAsyncGenerator(detail::AsyncRoutine& routine) noexcept : routine_(&routine) {
    detail::retain(routine);
  }
  AnyAsyncGenerator(const AnyAsyncGenerator& other) noexcept : AnyAsyncGenerator(*other.routine_) {}
  AnyAsyncGenerator& operator=(AnyAsyncGenerator other) noexcept {
    std::swap(routine_, other.routine_);
    return *this;
  }
  ~AnyAsyncGenerator() { detail::release(routine_); }

  /// As AsyncGenerator::aclose().
  AsyncStep<void> aclose() const {
    return {{*routine_, detail::AsyncRequest::Verb::Close}, {}, false};
  }

  // For the task that closes it.
  detail::AsyncRoutine& routine() const noexcept { return *routine_; }

 private:
  detail::AsyncRoutine* routine_;
};

namespace detail {
template <class Item, class Sent>
inline constexpr bool kAwaitsPlainly<AsyncStep<Item, Sent>> = true;
}  // namespace detail

}  // namespace weft
