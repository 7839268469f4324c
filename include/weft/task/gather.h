// Waiting for several at once. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <ranges>
#include <tuple>
#include <variant>
#include <vector>

#include <weft/task/listening.h>
#include <weft/task/outcome.h>
#include <weft/task/task.h>

namespace weft {

/// Given first to gather(): `gather(return_exceptions, f, g)`.
struct ReturnExceptions {};
inline constexpr ReturnExceptions return_exceptions{};

namespace detail {

/// What a gathering future waits for: it is done when all are, or when the first fails.
class Gathering : public Listening {
 public:
  /// The futures may contain one several times, and must outlive it.
  void start(LoopCore& loop, std::vector<FutureBase*> futures, bool keep_errors);
  bool cancel_all(const CancelMessage& message);

 protected:
  explicit Gathering(FutureBase& outer) noexcept : outer_(outer) {}
  ~Gathering() = default;
  /// Puts the result in place.
  virtual void collect() = 0;

 private:
  void on_done(FutureBase& future) final;
  void on_last();
  void hold() noexcept final { retain(outer_); }
  void let_go() noexcept final { release(&outer_); }

  FutureBase& outer_;
  std::vector<FutureBase*> futures_;
  std::size_t finished_ = 0;
  bool keep_errors_ = false;
  bool cancel_requested_ = false;
};

/// What is listed of a future that has no result: null if it has.
std::exception_ptr error_to_list(FutureBase& future);

template <class T, bool kKeepErrors>
using Gathered = std::conditional_t<
    kKeepErrors, weft::Outcome<T>,
    std::conditional_t<std::is_void_v<T>, std::monostate,
                       std::conditional_t<std::is_reference_v<T>,
                                          std::reference_wrapper<std::remove_reference_t<T>>, T>>>;

template <class A>
auto as_future(A&& argument) {
  if constexpr (kIsFuture<std::remove_cvref_t<A>>)
    return std::remove_cvref_t<A>(argument);
  else if constexpr (std::same_as<std::remove_cvref_t<A>, AnyTask>)
    return AnyFuture(argument);
  else
    return create_task(TaskOptions{.where = {}}, std::forward<A>(argument));
}

template <bool kKeepErrors, class Each, class T = typename Each::Result>
Gathered<T, kKeepErrors> gathered(const Each& future) {
  if constexpr (kKeepErrors)
    if (std::exception_ptr error = error_to_list(*Access::state(future)))
      return Gathered<T, true>(std::move(error));
  if constexpr (std::is_void_v<T>) {
    future.result();
    return {};
  } else {
    return Gathered<T, kKeepErrors>(future.result());
  }
}

template <bool kKeepErrors>
struct IntoTuple {
  template <class... Each>
  static auto collect(const std::tuple<Each...>& futures) {
    return std::apply(
        [](auto&... each) {
          return std::tuple<Gathered<typename Each::Result, kKeepErrors>...>(
              gathered<kKeepErrors>(each)...);
        },
        futures);
  }
  template <class... Each>
  static std::vector<FutureBase*> list(const std::tuple<Each...>& futures) {
    return std::apply(
        [](auto&... each) { return std::vector<FutureBase*>{Access::state(each)...}; }, futures);
  }
};

template <bool kKeepErrors>
struct IntoVector {
  template <class Each>
  static auto collect(const std::vector<Each>& futures) {
    using T = typename Each::Result;
    if constexpr (kKeepErrors || !std::is_void_v<T>) {
      std::vector<Gathered<T, kKeepErrors>> results;
      results.reserve(futures.size());
      for (const Each& each : futures) results.push_back(gathered<kKeepErrors>(each));
      return results;
    }
  }
  template <class Each>
  static std::vector<FutureBase*> list(const std::vector<Each>& futures) {
    std::vector<FutureBase*> states;
    states.reserve(futures.size());
    for (const Each& each : futures) states.push_back(Access::state(each));
    return states;
  }
};

template <class Collector, class Futures>
struct GatheringOf final : FutureOf<decltype(Collector::collect(std::declval<Futures&>()))>,
                           Gathering {
  using Result = decltype(Collector::collect(std::declval<Futures&>()));
  Futures futures;

  GatheringOf(LoopCore& core, Futures&& all)
      : FutureOf<Result>(core),
        Gathering(static_cast<FutureBase&>(*this)),
        futures(std::move(all)) {}
  bool cancel(const CancelMessage& message) override { return this->cancel_all(message); }

 private:
  void collect() override {
    if constexpr (!std::is_void_v<Result>) this->result.emplace(Collector::collect(futures));
  }
};

/// A handle of a gathering future, and its inside.
template <class Collector, class Futures>
class Gather {
 public:
  using State = GatheringOf<Collector, Futures>;

  Gather(LoopCore& loop, Futures futures, bool keep_errors)
      : state_(new State(loop, std::move(futures))),
        future_(Access::make<Future<typename State::Result>>(state_)) {
    state_->start(loop, Collector::list(state_->futures), keep_errors);
  }
  Future<typename State::Result> future() && { return std::move(future_); }

  /// Waits, and lets go of those that are not waited for any longer.
  auto await() && {
    struct Leave {
      State& state;
      ~Leave() { state.leave(); }
    } const leave{*state_};
    return future_.await();
  }

 private:
  State* state_;
  Future<typename State::Result> future_;
};

template <bool kKeepErrors, class... What>
auto make_gather(What&&... what) {
  using Futures = std::tuple<decltype(as_future(std::forward<What>(what)))...>;
  Futures futures{as_future(std::forward<What>(what))...};  // braces: tasks start in this order
  LoopCore& loop = *Access::state(std::get<0>(futures))->loop;
  return Gather<IntoTuple<kKeepErrors>, Futures>(loop, std::move(futures), kKeepErrors);
}

template <bool kKeepErrors, std::ranges::input_range Range>
auto make_gather(Range&& range) {
  constexpr bool kOwned =
      !std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;
  const auto to_future = [](const auto& it) {
    if constexpr (kOwned)
      return as_future(std::ranges::iter_move(it));
    else
      return as_future(*it);
  };
  auto it = std::ranges::begin(range);
  const auto end = std::ranges::end(range);
  std::vector<decltype(to_future(it))> futures;
  for (; it != end; ++it) futures.push_back(to_future(it));
  LoopCore& loop = futures.empty() ? require_loop("gather") : *Access::state(futures.front())->loop;
  return Gather<IntoVector<kKeepErrors>, decltype(futures)>(loop, std::move(futures), kKeepErrors);
}

template <class T>
concept Gatherable = !std::ranges::range<T> && !std::same_as<std::decay_t<T>, ReturnExceptions>;

}  // namespace detail

/// Waits for all of `what`, each a function, coroutine, task or future, and gives their results in
/// order: `auto [a, b] = gather(f, g);` void counts as std::monostate. Functions and coroutines
/// become tasks.
///
/// The first exception is thrown at once; the others go on, and their exceptions are ignored. A
/// task_group() cancels them instead.
///
/// Suspends:  until all are done, or one has failed.
/// Cancelled: all of them are cancelled, and CancelledError is thrown once the first has ended by
///            that, or all have ended otherwise.
/// Throws:    what the first failing one throws. RuntimeError outside a task; ValueError for a
///            future of another loop.
/// Source:    asyncio.gather
template <detail::Gatherable... What>
  requires(sizeof...(What) > 0)
auto gather(What&&... what) {
  return detail::make_gather<false>(std::forward<What>(what)...).await();
}

/// The same for a range of one kind; gives a std::vector of the results, or nothing if they are
/// void. A container of coroutines is moved in: `gather(std::move(coroutines))`.
template <std::ranges::input_range Range>
auto gather(Range&& range) {
  return detail::make_gather<false>(std::forward<Range>(range)).await();
}

/// The same, but no exception is thrown: an Outcome is given of each, once all are done. One that
/// was cancelled is listed with the message that its future was cancelled with, or an empty one.
template <class... What>
  requires(sizeof...(What) > 0)
auto gather(ReturnExceptions, What&&... what) {
  return detail::make_gather<true>(std::forward<What>(what)...).await();
}

/// gather() as a future: of the tuple or vector that gather() gives. cancel() cancels all that it
/// waits for; the future itself then ends with CancelledError as its exception: cancelled() of it
/// is false. Dropping the handle changes nothing.
///
/// Throws: RuntimeError if no loop runs on this thread; ValueError for a future of another loop.
template <class... What>
  requires(sizeof...(What) > 0)
auto gather_future(What&&... what) {
  return detail::make_gather<false>(std::forward<What>(what)...).future();
}
template <class... What>
  requires(sizeof...(What) > 0)
auto gather_future(ReturnExceptions, What&&... what) {
  return detail::make_gather<true>(std::forward<What>(what)...).future();
}

}  // namespace weft
