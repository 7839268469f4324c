// Tasks that do nothing are made and awaited, a thousand at a time.
#include <vector>

#include <weft/weft.h>

#include "measure.h"

constexpr int kWaves = 1000, kTasks = 1000;

int main() {
  weft::run([] {
    long done = 0;
    std::vector<weft::Task<>> tasks;
    const auto wave = [&] {
      tasks.clear();
      for (int i = 0; i < kTasks; ++i) tasks.push_back(weft::create_task([&] { ++done; }));
      for (const weft::Task<>& task : tasks) weft::await(task);
    };
    for (int i = 0; i < 20; ++i) wave();
    done = 0;
    const Stopwatch watch;
    for (int i = 0; i < kWaves; ++i) wave();
    watch.print(kWaves * kTasks);
    require(done == kWaves * kTasks);
  });
}
