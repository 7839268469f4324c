// A thousand tasks of eight different bodies yield in turn, two calls below their function.
#include <array>
#include <vector>

#include <weft/weft.h>

#include "measure.h"

constexpr long kTasks = 1000, kYields = 8000;

template <long Kind>
[[gnu::noinline]] long rest(long i) {
  weft::yield_now();
  return i + Kind;
}
template <long Kind>
[[gnu::noinline]] long step(long i) {
  return rest<Kind>(i) - i;
}
template <long Kind>
long work() {
  long sum = 0;
  for (long i = 0; i < kYields; ++i) sum += step<Kind>(i);
  return sum;
}

constexpr std::array kBodies{work<0>, work<1>, work<2>, work<3>,
                             work<4>, work<5>, work<6>, work<7>};

int main() {
  weft::run([] {
    const Stopwatch watch;
    std::vector<weft::Task<long>> tasks;
    for (std::size_t i = 0; i < kTasks; ++i)
      tasks.push_back(weft::create_task(kBodies[i % kBodies.size()]));
    long all = 0;
    for (const long sum : weft::gather(tasks)) all += sum;
    watch.print(kTasks * kYields);
    require(all == kTasks / 8 * kYields * (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7));
  });
}
