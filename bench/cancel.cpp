// A task that waits is cancelled, to its handler five frames above the wait.
#include <weft/weft.h>

#include "measure.h"

constexpr long kCancellations = 300'000;

[[gnu::noinline]] long wait(weft::Event& event, long i) {
  event.wait();
  return i + 1;
}
[[gnu::noinline]] long fourth(weft::Event& event, long i) { return wait(event, i) + 1; }
[[gnu::noinline]] long third(weft::Event& event, long i) { return fourth(event, i) + 1; }
[[gnu::noinline]] long second(weft::Event& event, long i) { return third(event, i) + 1; }
[[gnu::noinline]] long first(weft::Event& event, long i) { return second(event, i) + 1; }

int main() {
  weft::run([] {
    weft::Event never;
    long caught = 0;
    const auto task = weft::create_task([&] {
      while (caught < kCancellations) try {
          caught += first(never, caught);
        } catch (const weft::CancelledError&) {
          ++caught;
        }
    });
    weft::yield_now();
    const Stopwatch watch;
    while (task.cancel()) weft::yield_now();
    watch.print(kCancellations);
    require(caught == kCancellations);
  });
}
