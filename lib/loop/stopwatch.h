// How long the parts of a turn take. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <weft/loop/core.h>

namespace weft::detail {

/// Measures a callback or a step of a task, in debug mode.
class Stopwatch {
 public:
  explicit Stopwatch(LoopCore& loop) : loop_(loop) {
    if (loop.debug) start_ = loop.clock->now();
  }
  bool was_slow() const { return loop_.debug && taken() >= loop_.slow_callback; }
  void report(const std::string& what, std::string_view name = {}) const noexcept;

 private:
  Duration taken() const { return loop_.clock->now() - start_; }

  LoopCore& loop_;
  TimePoint start_{};
};

/// "created at FILE:LINE", with a space before; nothing if it is not known.
std::string created_at(const SourceLocation& where);

}  // namespace weft::detail
