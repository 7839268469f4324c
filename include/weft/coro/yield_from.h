// The templates of GeneratorSelf::yield_from(); generator_impl.h includes this. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/coro/generator_impl.h>

namespace weft {

namespace detail {

template <class It>
concept HasThrow = requires(It& it, std::exception_ptr error) { it.throw_(error); };

/// One call of a hand-written iterator, which may end itself with a StopIteration.
template <class Call>
auto step_or_stop(Call call) -> decltype(call()) {
  using Step = decltype(call());
  try {
    return call();
  } catch (const StopIteration& stop) {
    if constexpr (!std::is_void_v<typename Step::Result>)
      if (auto* result = stop.value<typename Step::Result>())
        return Step::returned(std::move(*result));
    return Step::returned();
  }
}

template <class It, class S>
auto send_or_next(It& it, std::optional<S>& sent) {
  if (sent) {
    if constexpr (requires { it.send(std::move(*sent)); })
      return it.send(std::move(*sent));
    else
      throw AttributeError("the object delegated to has no send()");
  }
  return it.next();
}

}  // namespace detail

template <class Y, class S, class R>
template <class R2>
R2 GeneratorSelf<Y, S, R>::yield_from(Generator<Y, S, R2>&& target) {
  return detail::delegate_to_temporary<R2>(frame_, detail::Access::take(target));
}

template <class Y, class S, class R>
template <class R2>
R2 GeneratorSelf<Y, S, R>::yield_from(Generator<Y, S, R2>& target) {
  return detail::delegate_to_shared<R2>(frame_, detail::Access::routine(target));
}

template <class Y, class S, class R>
S GeneratorSelf<Y, S, R>::delegated_yield(Y value) {
  return detail::received<S>(
      detail::suspend_slowly(frame_, detail::address_of(value), &detail::kExchange<Y, S>, true));
}

template <class Y, class S, class R>
template <class It>
  requires(!detail::kIsGenerator<std::remove_cvref_t<It>>) && detail::SubIterator<It, Y>
auto GeneratorSelf<Y, S, R>::yield_from(It&& target) {
  auto step = detail::step_or_stop([&] { return target.next(); });
  while (!step.done()) step = advance(target, step.value());
  return step.result();
}

/// Yields the target's last value, and hands on what comes back.
template <class Y, class S, class R>
template <class It>
auto GeneratorSelf<Y, S, R>::advance(It& target, Y& value) {
  std::optional<detail::Sent<S>> sent;
  std::exception_ptr thrown;
  try {
    void* got =
        detail::suspend_slowly(frame_, detail::address_of(value), &detail::kExchange<Y, S>, true);
    if constexpr (!std::is_void_v<S>)
      if (got) sent.emplace(std::move(*static_cast<std::remove_reference_t<S>*>(got)));
  } catch (const GeneratorExit&) {
    if constexpr (requires { target.close(); }) target.close();
    throw;
  } catch (...) {
    if constexpr (!detail::HasThrow<It>) throw;
    thrown = std::current_exception();
  }
  return detail::step_or_stop([&] {
    if constexpr (detail::HasThrow<It>)
      if (thrown) return target.throw_(std::move(thrown));
    return detail::send_or_next(target, sent);
  });
}

template <class Y, class S, class R>
template <std::ranges::input_range Range>
  requires(!detail::kIsGenerator<std::remove_cvref_t<Range>>) && (!detail::SubIterator<Range, Y>) &&
          std::convertible_to<std::ranges::range_reference_t<Range>, Y>
void GeneratorSelf<Y, S, R>::yield_from(Range&& range) {
  for (auto&& element : range) {
    if constexpr (detail::kIsOptional<S>) {
      if (delegated_yield(std::forward<decltype(element)>(element)))
        throw AttributeError("the range delegated to has no send()");
    } else {
      delegated_yield(std::forward<decltype(element)>(element));
    }
  }
}

}  // namespace weft
