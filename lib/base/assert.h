// What cannot be thrown: both print and abort, in every build. Layer: base.
//
// WEFT_ASSERT: weft itself is wrong. die(): its user is, in a destructor.
// SPDX-License-Identifier: MIT
#pragma once

namespace weft::detail {

[[noreturn]] void assertion_failed(const char* text, const char* file, int line) noexcept;

[[noreturn]] void die(const char* text) noexcept;

}  // namespace weft::detail

#define WEFT_ASSERT(condition) \
  ((condition) ? void(0) : ::weft::detail::assertion_failed(#condition, __FILE__, __LINE__))
