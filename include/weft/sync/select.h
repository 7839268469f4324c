// Waiting for several channels at once. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weft/sync/channel.h>

namespace weft {

namespace detail {

template <class T, class F>
struct OnReceive {
  Channel<T>& channel;
  F function;
  std::optional<T> slot = {};

  ChannelOffer offer() { return {channel, false, &slot}; }
  void run() { function(std::move(slot)); }
};

template <class T, class F>
struct OnSend {
  Channel<T>& channel;
  T* value;
  F function;
  std::optional<T> copy = {};

  ChannelOffer offer() { return {channel, true, value ? value : &*copy}; }
  void run() { function(); }
};

template <class F>
struct Otherwise {
  F function;
  void run() { function(); }
};

template <class Case>
concept SelectCase = requires(Case& one) { one.offer(); };

template <class Case>
inline constexpr bool kIsOtherwise = false;
template <class F>
inline constexpr bool kIsOtherwise<Otherwise<F>> = true;

struct Nothing {
  void operator()() const noexcept {}
};

template <bool Waits, class Cases, std::size_t... I>
std::size_t select_from(Cases&& cases, std::index_sequence<I...>) {
  static_assert(sizeof...(I) > 0 && (SelectCase<std::tuple_element_t<I, Cases>> && ...),
                "otherwise() is the last of several cases");
  ChannelOffer offers[] = {std::get<I>(cases).offer()...};
  const std::size_t chosen = Waits ? take_offer(offers, "select") : try_offers(offers);
  static_cast<void>(((I == chosen && (std::get<I>(cases).run(), true)) || ...));
  if constexpr (!Waits)
    if (chosen == sizeof...(I)) std::get<sizeof...(I)>(cases).run();
  return chosen;
}

}  // namespace detail

/// A case of select(): a value is received, and `function(std::optional<T>)` is called with it,
/// with none if the channel is closed and all has been received.
template <class T, std::invocable<std::optional<T>> F>
detail::OnReceive<T, std::decay_t<F>> on_receive(Channel<T>& channel, F&& function) {
  return {channel, std::forward<F>(function)};
}

/// A case of select(): `value` is sent, and `function()` is called. A value that is moved in stays
/// where it is, untouched unless this case is chosen.
template <class T, std::invocable F = detail::Nothing>
detail::OnSend<T, std::decay_t<F>> on_send(Channel<T>& channel, std::type_identity_t<T>&& value,
                                           F&& function = {}) {
  return {channel, &value, std::forward<F>(function)};
}
template <std::copy_constructible T, std::invocable F = detail::Nothing>
detail::OnSend<T, std::decay_t<F>> on_send(Channel<T>& channel,
                                           const std::type_identity_t<T>& value,
                                           F&& function = {}) {
  return {channel, nullptr, std::forward<F>(function), value};
}

/// The last case of select(), if any: what is done if no other case can go on at once.
template <std::invocable F = detail::Nothing>
detail::Otherwise<std::decay_t<F>> otherwise(F&& function = {}) {
  return {std::forward<F>(function)};
}

/// Does one of the cases, calls its function, and returns its index. Of several that can go on the
/// first in the list is taken: put the most urgent one first.
///
/// ```
/// select(on_receive(stop, [&](auto) { running = false; }),
///        on_receive(jobs, [&](std::optional<Job> job) { ... }),
///        on_send(results, std::move(result)));
/// ```
///
/// Suspends:  until one of the cases can go on; with otherwise() not at all.
/// Cancelled: CancelledError; no case is done, and what was on its way to this task stays in its
///            channel. A value that is sent may have been taken before in the same turn.
/// Throws:    ChannelClosed if a case sends to a closed channel; what the function throws;
///            RuntimeError if it would suspend outside a task.
/// Source:    Go's select, which chooses at random
template <class... Cases>
  requires(sizeof...(Cases) > 0)
std::size_t select(Cases&&... cases) {
  constexpr std::size_t kOffers = (std::size_t(detail::SelectCase<Cases>) + ...);
  constexpr bool kWaits = !(detail::kIsOtherwise<std::remove_cvref_t<Cases>> || ...);
  static_assert(kOffers + !kWaits == sizeof...(Cases),
                "select() takes on_receive(), on_send() and one otherwise()");
  return detail::select_from<kWaits>(std::forward_as_tuple(cases...),
                                     std::make_index_sequence<kOffers>());
}

}  // namespace weft
