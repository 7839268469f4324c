// A thousand tasks with the same body yield in turn, two calls below their function.
#include <vector>

#include <weft/weft.h>

#include "measure.h"

constexpr long kTasks = 1000, kYields = 5000;

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
    std::vector<weft::Task<long>> tasks;
    for (long i = 0; i < kTasks; ++i) tasks.push_back(weft::create_task(work));
    for (const long sum : weft::gather(tasks)) require(sum == kYields * 3 / 2);
    watch.print(kTasks * kYields);
  });
}
