// Two generators with different bodies are sent to in turn.
#include <weft/weft.h>

#include "measure.h"

constexpr int kItems = 10'000'000;
using Echo = weft::Generator<int, int>;

template <int Kind>
[[gnu::noinline]] int give(Echo::Self& self, int i) {
  return self.yield(i) + Kind;
}
template <int Kind>
[[gnu::noinline]] int produce(Echo::Self& self, int i) {
  return give<Kind>(self, i) - Kind;
}
template <int Kind>
Echo numbers() {
  return {[](Echo::Self& self) {
    for (int i = 0;; i += produce<Kind>(self, i)) {
    }
  }};
}

int main() {
  Echo first = numbers<1>(), second = numbers<2>();
  long sum = first.next().value() + second.next().value();
  const Stopwatch watch;
  for (int i = 0; i < kItems / 2; ++i) {
    sum += first.send(1).value();
    sum += second.send(1).value();
  }
  watch.print(kItems);
  require(sum == kItems / 2 * (kItems / 2 + 1L));
}
