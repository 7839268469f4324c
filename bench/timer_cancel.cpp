// Timers are set and cancelled again while a million others stand.
#include <vector>

#include <weft/weft.h>

#include "measure.h"

using namespace std::chrono_literals;

constexpr long kStanding = 1'000'000, kRounds = 5'000'000;

std::uint32_t random_number() {
  static std::uint32_t x = 2463534242u;
  x ^= x << 13, x ^= x >> 17, x ^= x << 5;
  return x;
}
weft::Duration random_delay() { return 1h + random_number() % 1'000'000 * 1us; }

int main() {
  weft::EventLoop loop;
  long fired = 0;
  std::vector<weft::Handle> standing;
  for (long i = 0; i < kStanding; ++i)
    standing.push_back(loop.call_later(random_delay(), [&] { ++fired; }));
  const Stopwatch watch;
  for (long i = 0; i < kRounds; ++i) loop.call_later(random_delay(), [&] { ++fired; }).cancel();
  watch.print(kRounds);
  require(fired == 0);
}
