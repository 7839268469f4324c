// Two tasks send a number to and fro through queues of one place, two calls below their functions.
#include <weft/weft.h>

#include "measure.h"

constexpr long kTrips = 2'000'000;
using Numbers = weft::Queue<long>;

[[gnu::noinline]] long take(Numbers& queue) { return queue.get() + 1; }
[[gnu::noinline]] long step(Numbers& queue) { return take(queue) - 1; }

int main() {
  weft::run([] {
    Numbers there(1), back(1);
    const weft::Task<> answering = weft::create_task([&] {
      for (long i = 0; i < kTrips; ++i) back.put(step(there));
    });
    const Stopwatch watch;
    for (long i = 0; i < kTrips; ++i) {
      there.put(i);
      require(step(back) == i);
    }
    watch.print(kTrips);
    weft::await(answering);
  });
}
