// A hundred thousand tasks sleep for 1 to 50 ms, ten times each: CPU time of a sleep.
#include <ctime>
#include <vector>

#include <weft/weft.h>

#include "measure.h"

using namespace std::chrono_literals;

constexpr long kTasks = 100'000, kSleeps = 10;

std::uint32_t random_number() {
  static std::uint32_t x = 2463534242u;
  x ^= x << 13, x ^= x >> 17, x ^= x << 5;
  return x;
}

[[gnu::noinline]] long rest(weft::Duration delay) {
  weft::sleep(delay);
  return 1;
}
[[gnu::noinline]] long step() { return rest((1 + random_number() % 50) * 1ms) + 1; }

int main() {
  weft::run([] {
    long sum = 0;
    const std::clock_t before = std::clock();
    std::vector<weft::Task<>> tasks;
    for (long i = 0; i < kTasks; ++i)
      tasks.push_back(weft::create_task([&] {
        for (long j = 0; j < kSleeps; ++j) sum += step();
      }));
    for (const weft::Task<>& task : tasks) weft::await(task);
    const double used = double(std::clock() - before) / CLOCKS_PER_SEC;
    std::printf("cpu_us=%.4f\n", used * 1e6 / (kTasks * kSleeps));
    require(sum == 2 * kTasks * kSleeps);
  });
}
