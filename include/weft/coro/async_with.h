// Scopes that may wait when they begin and end. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {

template <class T>
concept AsyncManager = requires(T& manager, std::exception_ptr error) {
  manager.aenter();
  { manager.aexit(error) } -> std::convertible_to<bool>;
};

/// Runs what is between aenter() and aexit().
template <class Manager, class Call>
auto run_inside(Manager& manager, Call&& call) {
  using R = std::invoke_result_t<Call&>;
  std::optional<std::conditional_t<std::is_void_v<R>, char, R>> result;
  try {
    if constexpr (std::is_void_v<R>)
      call();
    else
      result.emplace(call());
  } catch (...) {
    if (!manager.aexit(std::current_exception())) throw;
    if constexpr (std::is_void_v<R>)
      return;
    else
      return result;
  }
  manager.aexit(std::exception_ptr());
  if constexpr (!std::is_void_v<R>) return result;
}

}  // namespace detail

/// Calls `body` between `manager.aenter()` and `manager.aexit(error)`, both of which may wait. The
/// body is passed what aenter() gave, if it takes an argument. `error` is what the body threw, null
/// if it returned; if aexit() returns true, the error goes no further.
///
///     async_with(connection.transaction(), [&](Transaction& transaction) {
///       transaction.execute("...");
///     });
///
/// Returns what the body returned, as a std::optional, which is empty if its error was suppressed;
/// nothing if the body returns void.
///
/// Suspends:  if aenter(), aexit() or the body does.
/// Cancelled: in the body, CancelledError is passed to aexit() as any other error is. In aenter(),
///            neither the body nor aexit() is called.
/// Throws:    what aenter(), aexit() and the body throw. An error of aexit() replaces the body's.
/// Source:    async with (PEP 492)
template <class Manager, class Body>
auto async_with(Manager&& manager, Body&& body) {
  static_assert(detail::AsyncManager<std::remove_reference_t<Manager>>,
                "async_with() needs an object with aenter() and aexit(std::exception_ptr) -> bool");
  if constexpr (std::is_void_v<decltype(manager.aenter())>) {
    manager.aenter();
    return detail::run_inside(manager, body);
  } else {
    decltype(auto) entered = manager.aenter();
    if constexpr (std::invocable<Body&>) {
      return detail::run_inside(manager, body);
    } else {
      return detail::run_inside(manager, [&]() -> decltype(auto) {
        return body(static_cast<decltype(entered)&&>(entered));
      });
    }
  }
}

}  // namespace weft
