// As yield_2, but one of the two computes in floating point: the processor's flags must not differ.
// Both run the same code, so that nothing else differs.
#include <weft/weft.h>

#include "measure.h"

constexpr long kYields = 10'000'000;

[[gnu::noinline]] long rest(long i) {
  weft::yield_now();
  return i & 1;
}
[[gnu::noinline]] long step(long i) { return rest(i) + 1; }

[[gnu::noinline]] double work(bool broken) {
  double sum = 0;
  long count = 0;
  for (long i = 0; i < kYields; ++i) {
    count += step(i);
    if (broken) sum += 0.1;  // inexact
  }
  return sum + double(count);
}

int main() {
  weft::run([] {
    const Stopwatch watch;
    const auto [whole, broken] =
        weft::gather([] { return work(false); }, [] { return work(true); });
    watch.print(2 * kYields);
    require(whole == kYields * 1.5 && broken > kYields * 1.59 && broken < kYields * 1.61);
  });
}
