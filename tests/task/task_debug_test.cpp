// Tasks in debug mode.
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/log.h>
#include <weft/testing/virtual_clock.h>

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::VirtualClock;

namespace {

/// A loop in debug mode whose callbacks take as long as they say.
class Debugged {
 public:
  explicit Debugged(bool debug = true, Duration slow = 100ms)
      : Debugged(std::make_unique<VirtualClock>(), debug, slow) {}

  VirtualClock& clock;
  EventLoop loop;
  Log told;

 private:
  Debugged(std::unique_ptr<VirtualClock> owned, bool debug, Duration slow)
      : clock(*owned),
        loop({.selector = nullptr,
              .clock = std::move(owned),
              .debug = debug,
              .slow_callback = slow}) {
    loop.set_exception_handler([this](const ExceptionContext& context) {
      told(std::string(context.message) + (context.exception ? " with an exception" : ""));
      if (!context.name.empty()) told(std::string(context.name));
    });
  }
};

std::string here(int line) { return " created at " __FILE__ ":" + std::to_string(line); }

}  // namespace

TEST_SUITE_BEGIN("debug mode of tasks");

TEST_CASE("each step of a task is measured by itself, with the task's name and where it was made") {
  Debugged it;
  SourceLocation made;
  it.loop.call_soon([&] {
    made = SourceLocation::current();
    create_task({.name = "slow"}, [&] {
      it.clock.advance(60ms);
      yield_now();
      it.clock.advance(60ms);
      sleep(1s);  // waiting does not count
      it.clock.advance(250ms);
    });
    create_task({.name = "other"}, [] {
      for (int i = 0; i < 9; ++i) yield_now();
    });
  });
  it.loop.call_later(1h, [&] { it.loop.stop(); });
  it.loop.run_forever();
  CHECK(it.told ==
        Log{"Executing <Task 'slow'" + here(int(made.line) + 1) + "> took 0.250 seconds", "slow"});
}

TEST_CASE("tasks run in the same order in debug mode") {
  const auto order = [](bool debug) {
    Debugged it(debug);
    Log log;
    it.loop.call_soon([&] {
      for (const char* name : {"a", "b", "c"})
        create_task([&log, &it, name] {
          for (int i = 0; i < 3; ++i) {
            log(name);
            if (i == 1) it.loop.call_soon([&log, name] { log(std::string("from ") + name); });
            if (i == 2) sleep(1s);
            yield_now();
          }
        });
    });
    it.loop.call_later(1h, [&] { it.loop.stop(); });
    it.loop.run_forever();
    return log;
  };
  CHECK(order(true) == order(false));
  CHECK_FALSE(order(true).empty());
}

TEST_SUITE_END();
