// Items through a thousand yield_from() of named generators, each with a stack of its own.
// usage: generator_1000_stacks [DEPTH]
#include <weft/weft.h>

#include "measure.h"

constexpr long kItems = 5'000'000;
using Numbers = weft::Generator<long>;

[[gnu::noinline]] long give(Numbers::Self& self, long i) {
  self.yield(i);
  return i + 1;
}
[[gnu::noinline]] long produce(Numbers::Self& self, long i) { return give(self, i) + 1; }

Numbers nested(int depth) {
  return {[=](Numbers::Self& self) {
    if (depth > 0) {
      Numbers inner = nested(depth - 1);
      return self.yield_from(inner);
    }
    for (long i = 0; i < kItems;) i = produce(self, i) - 1;
  }};
}

int main(int count, char** arguments) {
  Numbers generator = nested(count > 1 ? std::atoi(arguments[1]) : 1000);
  long sum = generator.next().value();  // all levels stand
  const Stopwatch watch;
  for (const long i : generator) sum += i;
  watch.print(kItems);
  require(sum == kItems * (kItems - 1) / 2);
}
