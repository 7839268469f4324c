// A generator's items, yielded two calls below its body.
#include <weft/weft.h>

#include "measure.h"

constexpr long kItems = 10'000'000;
using Numbers = weft::Generator<long>;

[[gnu::noinline]] long give(Numbers::Self& self, long i) {
  self.yield(i);
  return i + 1;
}
[[gnu::noinline]] long produce(Numbers::Self& self, long i) { return give(self, i) + 1; }

Numbers numbers() {
  return {[](Numbers::Self& self) {
    for (long i = 0; i < kItems;) i = produce(self, i) - 1;
  }};
}

int main() {
  long sum = 0;
  Numbers generator = numbers();
  const Stopwatch watch;
  for (const long i : generator) sum += i;
  watch.print(kItems);
  require(sum == kItems * (kItems - 1) / 2);
}
