// Where something was made, for reports. Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

namespace weft {

/// A line of source: as std::source_location, for compilers that have none yet.
struct SourceLocation {
  const char* file = nullptr;  ///< null: not known
  unsigned int line = 0;

  static constexpr SourceLocation current(const char* file = __builtin_FILE(),
                                          unsigned int line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

}  // namespace weft
