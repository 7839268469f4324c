// WEFT_ASSERT: weft itself is wrong. Always on; prints and aborts.
// SPDX-License-Identifier: MIT
#pragma once

namespace weft::detail {

[[noreturn]] void assertion_failed(const char* text, const char* file, int line) noexcept;

}  // namespace weft::detail

#define WEFT_ASSERT(condition) \
  ((condition) ? void(0) : ::weft::detail::assertion_failed(#condition, __FILE__, __LINE__))
