// Tasks with the same body yield in turn, two calls below their function.
// usage: yield_1000 [TASKS]
#include <algorithm>
#include <vector>

#include <weft/weft.h>

#include "measure.h"

constexpr long kAllYields = 5'000'000;

[[gnu::noinline]] long rest(long i) {
  weft::yield_now();
  return i & 1;
}
[[gnu::noinline]] long step(long i) { return rest(i) + 1; }

long work(long yields) {
  long sum = 0;
  for (long i = 0; i < yields; ++i) sum += step(i);
  return sum;
}

int main(int count, char** arguments) {
  const long tasks_wanted = count > 1 ? std::atol(arguments[1]) : 1000;
  const long yields = std::max(2L, kAllYields / tasks_wanted / 2 * 2);
  weft::run([&] {
    const Stopwatch watch;
    std::vector<weft::Task<long>> tasks;
    for (long i = 0; i < tasks_wanted; ++i) tasks.push_back(weft::create_task(work, yields));
    for (const long sum : weft::gather(tasks)) require(sum == yields * 3 / 2);
    watch.print(tasks_wanted * yields);
  });
}
