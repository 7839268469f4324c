// A million parked tasks: resident memory for each.
// usage: rss_1m [TASKS]
#include <fstream>
#include <string>
#include <vector>

#include <weft/weft.h>

#include "measure.h"

double resident() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;)
    if (word == "Rss:") {
      double kilobytes = 0;
      file >> kilobytes;
      return kilobytes * 1024;
    }
  std::abort();
}

[[gnu::noinline]] long rest(weft::Event& event) {
  event.wait();
  return 1;
}
[[gnu::noinline]] long step(weft::Event& event) { return rest(event) + 1; }

int main(int count, char** arguments) {
  const long tasks = count > 1 ? std::atol(arguments[1]) : 1'000'000;
  weft::run([&] {
    weft::Event event;
    long sum = 0;
    const double before = resident();
    for (long i = 0; i < tasks; ++i) weft::create_task([&] { sum += step(event); });
    weft::sleep(weft::Duration(0));
    std::printf("rss_B=%.0f\n", (resident() - before) / double(tasks));
    event.set();
    while (sum < 2 * tasks) weft::yield_now();
  });
}
