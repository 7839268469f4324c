// What passes between a suspended body and its driver. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <typeinfo>

namespace weft::detail {

/// What passes a suspension, outward and inward; to tell a wrong type from a right one.
struct Exchange {
  const std::type_info* yielded;
  const std::type_info* received;
  bool may_be_nothing;  // what is received: void or a std::optional
  bool is_item;         // an asynchronous generator's item, not a wait
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class Yield, class Send>
inline constexpr Exchange kExchange{&typeid(Yield), &typeid(Send),
                                    std::is_void_v<Send> || kIsOptional<Send>, false};

template <class Yield, class Send>
inline constexpr Exchange kItemExchange{&typeid(Yield), &typeid(Send),
                                        std::is_void_v<Send> || kIsOptional<Send>, true};

/// What has been yielded: of which type, and where, on the stack of who yielded it.
struct Offer {
  const Exchange* exchange = nullptr;
  void* value = nullptr;
};

template <class T>
void* address_of(T& value) noexcept {
  return const_cast<void*>(static_cast<const void*>(std::addressof(value)));
}

}  // namespace weft::detail
