// Waiting for several at once. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <ranges>
#include <tuple>
#include <variant>
#include <vector>

#include <weft/task/task.h>

namespace weft {

namespace detail {

/// The future that gather() waits for: done when all children are, or when the first fails.
class Gathering final : public FutureBase {
 public:
  struct Leave {
    void operator()(Gathering* gathering) const noexcept;
  };
  using Owner = std::unique_ptr<Gathering, Leave>;

  /// Takes over one reference of each child. With `keep_errors` it ends when all have, however.
  static Owner make(LoopCore& loop, std::vector<FutureBase*> children, bool keep_errors = false);
  ~Gathering() override;
  bool cancel(const CancelMessage& message) override;

 private:
  struct Child : Runnable {
    using Runnable::Runnable;
    Gathering* gathering = nullptr;
    FutureBase* future = nullptr;
  };
  using FutureBase::FutureBase;
  static void child_done(Runnable* self);
  void on_child(FutureBase& child);
  /// Waits no longer for those that are not done, which must not keep it for ever.
  void leave(bool ignore_errors) noexcept;

  std::vector<std::unique_ptr<Child>> children_;
  std::size_t finished_ = 0;
  bool keep_errors_ = false;
  bool cancel_requested_ = false;
};

/// Waits until all are done, or throws what the first failing one did. Takes over one reference of
/// each.
void wait_for_all(std::vector<FutureBase*> children);

template <class T>
using Gathered = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class A>
auto as_future(A&& argument) {
  if constexpr (kIsFuture<std::remove_cvref_t<A>>)
    return std::remove_cvref_t<A>(argument);
  else
    return create_task(TaskOptions{.where = {}}, std::forward<A>(argument));
}

template <class T>
FutureBase* reference_to(const Future<T>& future) noexcept {
  FutureBase* state = Access::state(future);
  retain(*state);
  return state;
}

template <class T>
Gathered<T> gathered(const Future<T>& future) {
  if constexpr (std::is_void_v<T>) {
    future.result();
    return {};
  } else {
    return future.result();
  }
}

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
/// Throws:    what the first failing one throws. RuntimeError outside a task.
/// Source:    asyncio.gather
template <class... What>
  requires(sizeof...(What) > 0) && (!std::ranges::range<What> && ...)
auto gather(What&&... what) {
  detail::require_loop("gather");
  auto futures = std::make_tuple(detail::as_future(std::forward<What>(what))...);
  return std::apply(
      [](auto&... each) {
        detail::wait_for_all({detail::reference_to(each)...});
        return std::tuple<
            detail::Gathered<typename std::remove_cvref_t<decltype(each)>::Result>...>(
            detail::gathered(each)...);
      },
      futures);
}

/// The same for a range of one kind; gives a std::vector of the results, or nothing if they are
/// void. A container of coroutines is moved in: `gather(std::move(coroutines))`.
template <std::ranges::input_range Range>
auto gather(Range&& range) {
  detail::require_loop("gather");
  constexpr bool kOwned =
      !std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;
  const auto to_future = [](auto&& what) {
    if constexpr (kOwned)
      return detail::as_future(std::move(what));
    else
      return detail::as_future(std::forward<decltype(what)>(what));
  };
  using Each = decltype(to_future(*std::ranges::begin(range)));
  using T = typename Each::Result;
  std::vector<Each> futures;
  for (auto&& what : range) futures.push_back(to_future(std::forward<decltype(what)>(what)));
  std::vector<detail::FutureBase*> children;
  for (const Each& each : futures) children.push_back(detail::reference_to(each));
  detail::wait_for_all(std::move(children));
  if constexpr (!std::is_void_v<T>) {
    std::vector<T> results;
    for (const Each& each : futures) results.push_back(each.result());
    return results;
  }
}

}  // namespace weft
