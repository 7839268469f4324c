// Memory for the records of tasks, generators and coroutines. Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace weft::detail {

/// What records are aligned to at least.
inline constexpr std::size_t kRecordAlignment = 64;

/// A block of `size` bytes, for what comes and goes in large numbers. Throws: std::bad_alloc
void* take_record(std::size_t size, std::size_t alignment = kRecordAlignment);

/// Size and alignment must be the same. Memory of which no record is left is given back to the
/// system, but for a little.
///
/// Thread: any; the memory stays with the thread on which it was taken.
void return_record(void* record, std::size_t size,
                   std::size_t alignment = kRecordAlignment) noexcept;

}  // namespace weft::detail
