// What the programs of this folder share: a watch, and the form of their output.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>

class Stopwatch {
 public:
  /// Prints the time since the construction, for each of `count`.
  void print(long count) const {
    const std::chrono::duration<double, std::nano> passed = Clock::now() - start_;
    std::printf("ns=%.4f\n", passed.count() / double(count));
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// Wrong results are no results.
inline void require(bool condition) {
  if (!condition) std::abort();
}
