// Waiting for some of many, and for one with a limit. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <ranges>
#include <unordered_set>
#include <utility>
#include <vector>

#include <weft/task/future.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

namespace weft {

/// When wait() returns.
enum class ReturnWhen : std::uint8_t {
  FirstCompleted,  ///< one is done
  FirstException,  ///< one has failed (not: was cancelled), or all are done
  AllCompleted
};

/// What wait() found, each part in the order of the arguments.
template <class Each>
struct Waited {
  std::vector<Each> done;
  std::vector<Each> pending;
};

namespace detail {

template <class T>
concept FutureLike =
    kIsFuture<std::remove_cvref_t<T>> || std::same_as<std::remove_cvref_t<T>, AnyTask>;

template <class T>
concept FutureRange = std::ranges::input_range<T> && FutureLike<std::ranges::range_reference_t<T>>;

/// The handles of a range, each once.
template <FutureRange Range>
auto handles_of(Range&& range) {
  using Given = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;
  using Each = std::conditional_t<std::same_as<Given, AnyTask>, AnyFuture, Given>;
  std::vector<Each> handles;
  std::unordered_set<const FutureBase*> seen;
  for (auto&& given : range) {
    Each each(given);
    if (seen.insert(Access::state(each)).second) handles.push_back(std::move(each));
  }
  return handles;
}

template <class Each>
std::vector<FutureBase*> states_of(const std::vector<Each>& handles) {
  std::vector<FutureBase*> states;
  states.reserve(handles.size());
  for (const Each& each : handles) states.push_back(Access::state(each));
  return states;
}

void wait_for_some(const std::vector<FutureBase*>& futures, ReturnWhen mode,
                   std::optional<Duration> limit);

class Completions;  // counted
Completions* make_completions(const std::vector<FutureBase*>& futures,
                              std::optional<Duration> limit);
void drop_completions(Completions* completions) noexcept;
FutureBase& next_completion(Completions& completions);

/// The end of wait_for() for a limit that has passed already.
void cancel_and_wait(FutureBase& future);
[[noreturn]] void raise_timeout(const FutureBase& cancelled);

}  // namespace detail

/// Waits until all of the tasks or futures are done, or as `mode` says, or until `limit` has
/// passed. It cancels none of them, and throws none of their exceptions.
///
///     auto [done, pending] = wait(tasks, ReturnWhen::FirstCompleted);
///
/// Suspends:  always.
/// Cancelled: CancelledError; the tasks go on.
/// Throws:    ValueError if there are none, or for one of another loop; RuntimeError outside
///            a task.
/// Source:    asyncio.wait. Differs: functions and coroutines are not taken, as from 3.11 on.
template <detail::FutureRange Range>
auto wait(Range&& futures, ReturnWhen mode = ReturnWhen::AllCompleted,
          std::optional<Duration> limit = {}) {
  auto handles = detail::handles_of(futures);
  detail::wait_for_some(detail::states_of(handles), mode, limit);
  Waited<typename decltype(handles)::value_type> found;
  for (auto& each : handles) (each.done() ? found.done : found.pending).push_back(std::move(each));
  return found;
}
inline Waited<AnyFuture> wait(std::initializer_list<AnyFuture> futures,
                              ReturnWhen mode = ReturnWhen::AllCompleted,
                              std::optional<Duration> limit = {}) {
  return wait(std::vector<AnyFuture>(futures), mode, limit);
}

/// The tasks or futures in the order in which they end; a range that waits. See as_completed().
template <class Each>
class AsCompleted {
 public:
  AsCompleted(std::vector<Each> futures, std::optional<Duration> limit)
      : futures_(std::move(futures)),
        left_(futures_.size()),
        completions_(detail::make_completions(detail::states_of(futures_), limit)) {}
  AsCompleted(AsCompleted&& other) noexcept
      : futures_(std::move(other.futures_)),
        left_(std::exchange(other.left_, 0)),
        completions_(std::exchange(other.completions_, nullptr)) {}
  AsCompleted& operator=(AsCompleted&&) = delete;
  ~AsCompleted() {
    if (completions_) detail::drop_completions(completions_);
  }

  /// How many next() has not been called for.
  std::size_t left() const noexcept { return left_; }

  /// The next one that is done.
  ///
  /// Suspends:  until one is.
  /// Cancelled: CancelledError; as if it had not been called.
  /// Throws:    TimeoutError, for each that was not done within the limit; StopIteration if none is
  ///            left.
  Each next() {
    if (left_ == 0) throw StopIteration();
    struct Count {
      std::size_t& left;
      bool cancelled = false;
      ~Count() { left -= cancelled ? 0 : 1; }
    } count{left_};
    try {
      return find(detail::next_completion(*completions_));
    } catch (const CancelledError&) {
      count.cancelled = true;
      throw;
    }
  }

  class Iterator {
   public:
    using value_type = Each;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(AsCompleted& range) : range_(&range) { ++*this; }
    const Each& operator*() const noexcept { return *present_; }
    const Each* operator->() const noexcept { return &*present_; }
    Iterator& operator++() {
      present_.reset();
      if (range_->left() > 0) present_.emplace(range_->next());
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
      return !it.present_;
    }

   private:
    AsCompleted* range_;
    std::optional<Each> present_;
  };

  /// Both begin() and ++ suspend and throw as next() does.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Each find(const detail::FutureBase& state) const {
    for (const Each& each : futures_)
      if (detail::Access::state(each) == &state) return each;
    throw StopIteration();  // cannot be: only what was listed is told
  }

  std::vector<Each> futures_;
  std::size_t left_;
  detail::Completions* completions_;
};

/// The tasks or futures in the order in which they end:
///
///     for (auto& task : as_completed(tasks, 10s)) use(task.result());
///
/// A limit counts from this call; once it has passed, TimeoutError is thrown for each that was not
/// done. None of them is cancelled.
///
/// Throws: RuntimeError if no loop runs on this thread; ValueError for a future of another loop.
/// Source: asyncio.as_completed; gives the tasks themselves, as since 3.13.
template <detail::FutureRange Range>
auto as_completed(Range&& futures, std::optional<Duration> limit = {}) {
  auto handles = detail::handles_of(futures);
  return AsCompleted<typename decltype(handles)::value_type>(std::move(handles), limit);
}
inline AsCompleted<AnyFuture> as_completed(std::initializer_list<AnyFuture> futures,
                                           std::optional<Duration> limit = {}) {
  return as_completed(std::vector<AnyFuture>(futures), limit);
}

/// Waits for one function, coroutine, task or future, and gives its result. After `limit` (none: no
/// limit) it is cancelled; once it has ended by that, TimeoutError is thrown. Functions and
/// coroutines run in the present task; but a limit of 0 or less makes them tasks that never begin.
///
/// Suspends:  as it does; for a limit of 0 or less: unless it is done.
/// Cancelled: it is cancelled too.
/// Throws:    TimeoutError; what it throws. RuntimeError outside a task.
/// Source:    asyncio.wait_for, as rewritten in 3.12
template <class What>
auto wait_for(What&& what, std::optional<Duration> limit) {
  if (!limit || *limit > Duration::zero())
    return timeout(limit, [&]() -> decltype(auto) {
      if constexpr (detail::Awaitable<What>)
        return await(std::forward<What>(what));
      else
        return what();
    });
  const auto future = [&] {
    if constexpr (detail::FutureLike<What>)
      return what;
    else
      return create_task(TaskOptions{.where = {}}, std::forward<What>(what));
  }();
  detail::FutureBase& state = *detail::Access::state(AnyFuture(future));
  if (!state.done()) {
    detail::cancel_and_wait(state);
    if (state.is_cancelled()) detail::raise_timeout(state);
  }
  return future.result();
}

}  // namespace weft
