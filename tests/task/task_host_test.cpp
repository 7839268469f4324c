// Tasks in programs that own their main loop.
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/log.h>

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("tasks under run_once()");

TEST_CASE("run_once() takes tasks one step further, too") {
  EventLoop loop;
  Log log;
  loop.call_soon([&] {
    for (const char* name : {"a", "b"})
      create_task([&log, name] {
        for (int i = 0; i < 3; ++i) {
          log(name);
          yield_now();
        }
      });
  });
  CHECK(loop.run_once());
  CHECK(log.empty());
  CHECK(loop.run_once());
  CHECK(log == Log{"a", "b"});
  CHECK(loop.run_once());
  CHECK(log == Log{"a", "b", "a", "b"});
  while (loop.run_once()) {
  }
  CHECK(log == Log{"a", "b", "a", "b", "a", "b"});
}

TEST_CASE("tasks of a stepped loop sleep by its steps") {
  auto owned = std::make_unique<SteppedClock>();
  SteppedClock& clock = *owned;
  EventLoop loop({.selector = nullptr, .clock = std::move(owned)});
  std::vector<int> frames;
  int frame = 0;
  loop.call_soon([&] {
    create_task([&] {
      for (int i = 0; i < 3; ++i) {
        sleep(50ms);
        frames.push_back(frame);
      }
    });
  });
  for (; frame < 12; ++frame) {
    while (loop.run_once()) {
    }
    clock.step(20ms);
  }
  CHECK(frames == std::vector<int>{3, 6, 9});  // the first frame that is not before its time
}

TEST_CASE("tasks can be cancelled between two turns, and end in the next ones") {
  EventLoop loop;
  Log log;
  loop.call_soon([&] {
    create_task([&] {
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        log("cancelled");
        throw;
      }
    });
  });
  const auto settle = [&] {
    while (loop.run_once()) {
    }
  };
  settle();
  for (const AnyTask& task : all_tasks(loop)) task.cancel();
  CHECK(log.empty());
  settle();
  CHECK(log == Log{"cancelled"});
  CHECK(all_tasks(loop).empty());
}

TEST_SUITE_END();
