// What happened, in order. Layer: testing.
// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace weft::testing {

/// A list of short texts that a test compares at its end: `CHECK(log == Log{"a", "b"})`.
class Log {
 public:
  Log() = default;
  Log(std::initializer_list<std::string> entries) : entries_(entries) {}

  void operator()(std::string entry) { entries_.push_back(std::move(entry)); }
  bool empty() const noexcept { return entries_.empty(); }
  void clear() noexcept { entries_.clear(); }

  friend bool operator==(const Log&, const Log&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Log& log) {
    for (const std::string& entry : log.entries_) out << '[' << entry << "] ";
    return out;
  }

 private:
  std::vector<std::string> entries_;
};

}  // namespace weft::testing
