// Debug mode: slow callbacks, and calls from a wrong thread.
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <weft/loop/event_loop.h>

#include "../child.h"
#include "loops.h"

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

const std::string kWrongThread =
    "RuntimeError('Non-thread-safe operation invoked on an event loop other than the current one')";

}  // namespace

TEST_SUITE_BEGIN("debug mode of EventLoop");

TEST_CASE("a callback that takes too long is told, with where it was scheduled and how long") {
  Debugged it;
  it.loop.call_soon([&] { it.clock.advance(150ms); });
  const int line = __LINE__ - 1;
  it.loop.call_soon([&] { it.clock.advance(99ms); });
  run_turns(it.loop);
  CHECK(it.told == Log{"Executing <Handle" + here(line) + "> took 0.150 seconds"});
}

TEST_CASE("exactly as long as the limit is too long, and the limit can be set") {
  Debugged it(true, 2s);
  it.loop.call_later(1s, [&] { it.clock.advance(2s); });
  const int line = __LINE__ - 1;
  it.loop.call_later(1s, [&] { it.clock.advance(1999ms); });
  it.loop.call_later(9s, [&] { it.loop.stop(); });
  it.loop.run_forever();
  CHECK(it.told == Log{"Executing <Handle" + here(line) + "> took 2.000 seconds"});
}

TEST_CASE("a slow reader is told by its descriptor") {
  Debugged it;
  const Pipe pipe;
  pipe.put();
  it.loop.add_reader(pipe.reader(), [&] { it.clock.advance(1s); });
  run_turns(it.loop);
  it.loop.remove_reader(pipe.reader());
  CHECK(it.told == Log{"Executing <reader of descriptor " + std::to_string(pipe.reader()) +
                       "> took 1.000 seconds"});
}

TEST_CASE("a slow handler of a signal is told by the signal's number") {
  Debugged it;
  it.loop.add_signal_handler(SIGUSR1, [&] { it.clock.advance(1s); });
  std::raise(SIGUSR1);
  run_turns(it.loop);
  CHECK(it.told ==
        Log{"Executing <handler of signal " + std::to_string(SIGUSR1) + "> took 1.000 seconds"});
}

TEST_CASE("a slow callback that throws is told of twice") {
  Debugged it;
  it.loop.call_soon(
      [&] {
        it.clock.advance(1s);
        throw ValueError("slow");
      },
      {});
  run_turns(it.loop);
  CHECK(it.told ==
        Log{"Exception in callback with an exception", "Executing <Handle> took 1.000 seconds"});
}

TEST_CASE("outside debug mode nothing is measured and no thread is asked for") {
  Debugged it(false);
  std::string error;
  it.loop.call_soon([&] {
    it.clock.advance(1h);
    std::thread([&] { error = error_of([&] { it.loop.call_soon([] {}); }); }).join();
  });
  run_turns(it.loop);
  CHECK(it.told.empty());
  CHECK(error == "nothing");
}

TEST_CASE("calls from a thread that does not run the loop are refused while it runs") {
  Debugged it;
  const Pipe pipe;
  Log errors;
  const auto call_all = [&] {
    EventLoop& loop = it.loop;
    errors(error_of([&] { loop.call_soon([] {}); }));
    errors(error_of([&] { loop.call_later(1s, [] {}); }));
    errors(error_of([&] { loop.call_at(TimePoint{}, [] {}); }));
    errors(error_of([&] { loop.add_reader(pipe.reader(), [] {}); }));
    errors(error_of([&] { loop.remove_reader(pipe.reader()); }));
    errors(error_of([&] { loop.add_writer(pipe.writer(), [] {}); }));
    errors(error_of([&] { loop.remove_writer(pipe.writer()); }));
    errors(error_of([&] { loop.add_signal_handler(10, [] {}); }));
    errors(error_of([&] { loop.remove_signal_handler(10); }));
    errors(error_of([&] { loop.call_soon_threadsafe([] {}); }));
  };
  it.loop.call_soon([&] { std::thread(call_all).join(); });
  run_turns(it.loop);
  CHECK(errors == Log{kWrongThread, kWrongThread, kWrongThread, kWrongThread, kWrongThread,
                      kWrongThread, kWrongThread, kWrongThread, kWrongThread, "nothing"});
  errors.clear();
  std::thread(call_all).join();  // it does not run
  CHECK(errors == Log{"nothing", "nothing", "nothing", "nothing", "nothing", "nothing", "nothing",
                      "nothing", "nothing", "nothing"});
  run_turns(it.loop);
}

TEST_CASE("a case of the next one" * doctest::skip()) {
  EventLoop loop(virtual_time());
  std::string error;
  loop.call_soon(
      [&] { std::thread([&] { error = error_of([&] { loop.call_soon([] {}); }); }).join(); });
  run_turns(loop);
  CHECK(error == kWrongThread);
}

TEST_CASE("WEFT_DEBUG=1 turns it on") {
  CHECK(passes_with("WEFT_DEBUG=1", "a case of the next one"));
  if (!debug_mode()) CHECK_FALSE(EventLoopOptions{}.debug);
  CHECK(EventLoopOptions{}.slow_callback == 100ms);
}

TEST_CASE("what is not handled is printed: a report without an exception names none") {
  const Ending ending = run_in_child([] {
    VirtualClock* clock = new VirtualClock;
    EventLoop loop({.selector = nullptr,
                    .clock = std::unique_ptr<Clock>(clock),
                    .debug = true,
                    .slow_callback = 1s});
    loop.call_soon([&] { clock->advance(1s); }, {});
    run_turns(loop);
  });
  CHECK(ending.errors == "weft: Executing <Handle> took 1.000 seconds\n");
}

TEST_SUITE_END();
