// Two tasks yield to each other, two calls below their function.
#include <weft/weft.h>

#include "measure.h"

constexpr long kYields = 10'000'000;

[[gnu::noinline]] long rest(long i) {
  weft::yield_now();
  return i & 1;
}
[[gnu::noinline]] long step(long i) { return rest(i) + 1; }

long work() {
  long sum = 0;
  for (long i = 0; i < kYields; ++i) sum += step(i);
  return sum;
}

int main() {
  weft::run([] {
    const Stopwatch watch;
    const auto [a, b] = weft::gather(work, work);
    watch.print(2 * kYields);
    require(a == kYields * 3 / 2 && a == b);
  });
}
