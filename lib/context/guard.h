// The pages below a stack that fault. Layer: context.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace weft::detail {

/// Makes the lowest `guard` bytes of each of `count` slots fault.
/// Throws: std::system_error; no slot is then to be used.
void install_guards(std::byte* slab, std::size_t slot, std::size_t guard, std::size_t count);

}  // namespace weft::detail
