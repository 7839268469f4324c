// Coroutines are awaited as temporaries: plain calls that may wait, and here do not.
#include <weft/weft.h>

#include "measure.h"

constexpr long kAwaits = 10'000'000;

[[gnu::noinline]] weft::Coroutine<long> add(long a, long b) {
  return {[=] {
    if (a < 0) weft::yield_now();
    return a + b;
  }};
}
[[gnu::noinline]] long step(long i) { return weft::await(add(i, 1)); }

int main() {
  weft::run([] {
    long sum = 0;
    const Stopwatch watch;
    for (long i = 0; i < kAwaits; ++i) sum += step(i);
    watch.print(kAwaits);
    require(sum == kAwaits * (kAwaits + 1) / 2);
  });
}
