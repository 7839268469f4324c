// Two tasks hand an event to each other, two calls below their functions.
#include <weft/weft.h>

#include "measure.h"

constexpr long kTrips = 3'000'000;

[[gnu::noinline]] long take(weft::Event& event, long i) {
  event.wait();
  event.clear();
  return i & 1;
}
[[gnu::noinline]] long step(weft::Event& event, long i) { return take(event, i) + 1; }

int main() {
  weft::run([] {
    weft::Event ping, pong;
    const auto serve = [&] {
      long sum = 0;
      for (long i = 0; i < kTrips; ++i) {
        ping.set();
        sum += step(pong, i);
      }
      return sum;
    };
    const auto answer = [&] {
      long sum = 0;
      for (long i = 0; i < kTrips; ++i) {
        sum += step(ping, i);
        pong.set();
      }
      return sum;
    };
    const Stopwatch watch;
    const auto [a, b] = weft::gather(serve, answer);
    watch.print(kTrips);
    require(a == kTrips * 3 / 2 && a == b);
  });
}
