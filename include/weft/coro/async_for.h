// Loops over items that have to be waited for. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/base/errors.h>
#include <weft/coro/await.h>

namespace weft {

/// What the body of a loop wants next.
enum class Iteration : std::uint8_t {
  Continue,  ///< the next item
  Break      ///< no more of them
};

namespace detail {

template <class T>
concept AsyncIterable = requires(T& object) { object.anext(); };

/// What anext() gives, or what that gives when it is awaited.
template <class Iterable>
decltype(auto) anext_of(Iterable& iterable) {
  if constexpr (Awaitable<decltype(iterable.anext())>)
    return await(iterable.anext());
  else
    return iterable.anext();
}

template <AsyncIterable Iterable>
using AsyncItem = decltype(anext_of(std::declval<Iterable&>()));

/// The next item, or nothing if there is none.
template <class Iterable>
auto next_item(Iterable& iterable) {
  using Item = AsyncItem<Iterable>;
  using Held = std::conditional_t<std::is_lvalue_reference_v<Item>,
                                  std::reference_wrapper<std::remove_reference_t<Item>>,
                                  std::remove_cvref_t<Item>>;
  std::optional<Held> item;
  try {
    item.emplace(anext_of(iterable));
  } catch (const StopAsyncIteration&) {
    // the end of the loop
  }
  return item;
}

/// True if the items ran out, false if the body broke off. Ends the iterable if it owns it.
template <class Iterable, class Body>
bool loop_over(Iterable iterable, Body& body) {
  using Item = AsyncItem<Iterable>;
  while (auto item = next_item(iterable)) {
    if constexpr (std::is_same_v<std::invoke_result_t<Body&, Item>, Iteration>) {
      if (body(static_cast<Item&&>(*item)) == Iteration::Break) return false;
    } else {
      body(static_cast<Item&&>(*item));
    }
  }
  return true;
}

/// Says at the call what is wrong with it.
template <class Iterable, class Body>
constexpr bool check_loop() {
  static_assert(AsyncIterable<Iterable>,
                "async_for() needs an AsyncGenerator, or an object with anext()");
  if constexpr (AsyncIterable<Iterable>)
    static_assert(std::invocable<Body&, AsyncItem<Iterable>>,
                  "async_for() needs a body that can be called with an item");
  return true;
}

}  // namespace detail

/// Calls `body` with each item of `iterable`, one after the other: what `iterable.anext()`, which
/// may wait, or give something to be awaited, gives until it throws StopAsyncIteration. A body that
/// returns an Iteration says whether it wants more.
///
///     async_for(lines, [&](std::string line) {
///       if (line.empty()) return Iteration::Break;
///       print(line);
///       return Iteration::Continue;
///     });
///
/// `otherwise` is called if the items run out, not if the body breaks off. An iterable that is
/// passed as a temporary is destroyed when the loop is left, before `otherwise` is called or an
/// exception is caught. A StopAsyncIteration of the body's own is not the end but passes.
///
/// Suspends: if anext() or the body does.
/// Throws:   what anext(), the body and `otherwise` throw.
/// Source:   async for (PEP 492)
template <class Iterable, class Body, std::invocable Otherwise>
void async_for(Iterable&& iterable, Body&& body, Otherwise&& otherwise) {
  static_assert(detail::check_loop<std::remove_reference_t<Iterable>, Body>());
  const bool exhausted = detail::loop_over<Iterable>(std::forward<Iterable>(iterable), body);
  if (exhausted) otherwise();
}

template <class Iterable, class Body>
void async_for(Iterable&& iterable, Body&& body) {
  static_assert(detail::check_loop<std::remove_reference_t<Iterable>, Body>());
  detail::loop_over<Iterable>(std::forward<Iterable>(iterable), body);
}

}  // namespace weft
