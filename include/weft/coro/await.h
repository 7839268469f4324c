// Awaiting: the one word for all that can be waited for. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <utility>

#include <weft/coro/coroutine.h>

namespace weft {

namespace detail {

template <class T>
inline constexpr bool kIsCoroutine = false;
template <class R>
inline constexpr bool kIsCoroutine<Coroutine<R>> = true;

/// Types of weft whose await() has no frame of its own.
template <class T>
inline constexpr bool kAwaitsPlainly = false;

template <class T>
concept HasAwait = requires(T& object) { object.await(); };

template <class T>
concept Awaitable =
    kIsCoroutine<std::remove_cvref_t<T>> || kIsGenerator<std::remove_cvref_t<T>> || HasAwait<T>;

/// object.await(), as the generator that __await__ is in Python.
template <class A, class R>
R await_in_frame(Frame& frame, A& object) {
  struct Call {
    A& object;
    ResultSlot<R> result;
  } call{object, {}};
  const InlineBody body{RoutineKind::Generator,
                        [](void* argument, Frame&) {
                          auto& it = *static_cast<Call*>(argument);
                          if constexpr (std::is_void_v<R>)
                            it.object.await();
                          else
                            it.result.emplace(it.object.await());
                        },
                        [](void*) noexcept {}, &call};
  if (!delegate_inline(frame, body, nullptr)) {
    Generator<char, void, R> elsewhere([&](auto&) -> R { return object.await(); });
    return delegate_to_temporary<R>(frame, Access::take(elsewhere));
  }
  if constexpr (!std::is_void_v<R>) return std::move(*call.result);
}

}  // namespace detail

/// Waits for `object`, and gives its result: a coroutine, a task, a future, or anything with a
/// member await(). A generator is awaited too: what it yields goes to the driver of the coroutine.
///
/// A coroutine that is passed as a temporary runs as a plain call on the caller's stack.
///
/// Suspends:  if the object does. An ordinary coroutine that never waits does not suspend.
/// Cancelled: CancelledError, or what else is thrown into the coroutine, comes out of the object
///            first, then out of here.
/// Throws:    what the object throws. RuntimeError outside a coroutine or task; if a coroutine has
///            ended before, or is being awaited already. ValueError if it is running.
/// Source:    PEP 492
template <class A>
decltype(auto) await(A&& object) {
  using T = std::remove_cvref_t<A>;
  static_assert(detail::Awaitable<A>,
                "await() needs a coroutine, a task, a future, or an object with await()");
  if constexpr (detail::kIsCoroutine<T> || detail::kIsGenerator<T>) {
    using R = typename T::Result;
    detail::Frame& frame = detail::current_coroutine_frame("await() outside a coroutine or task");
    if constexpr (std::is_lvalue_reference_v<A>)
      return detail::delegate_to_shared<R>(frame, detail::Access::routine(object));
    else
      return detail::delegate_to_temporary<R>(frame, detail::Access::take(object));
  } else if constexpr (detail::kAwaitsPlainly<T>) {
    return std::forward<A>(object).await();
  } else if constexpr (detail::HasAwait<A>) {
    detail::Frame& frame = detail::current_coroutine_frame("await() outside a coroutine or task");
    return detail::await_in_frame<std::remove_reference_t<A>, decltype(object.await())>(frame,
                                                                                        object);
  }
}

}  // namespace weft
