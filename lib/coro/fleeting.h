// Memory for the records of routines that have not begun, and move to their stacks when they do.
// Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace weft::detail {

/// The blocks of memory that the process has for such records.
std::size_t fleeting_blocks() noexcept;

}  // namespace weft::detail
