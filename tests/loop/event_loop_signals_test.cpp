#include <atomic>
#include <csignal>
#include <system_error>
#include <thread>

#include <doctest/doctest.h>

#include <weft/loop/event_loop.h>

#include "../child.h"
#include "loops.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("signals of EventLoop");

namespace {

std::atomic<int> caught_by_program{0};

/// While it lives, the program itself counts SIGUSR1.
class ProgramHandles {
 public:
  ProgramHandles() {
    caught_by_program = 0;
    std::signal(SIGUSR1, [](int) { ++caught_by_program; });
  }
  ProgramHandles(const ProgramHandles&) = delete;
  ProgramHandles& operator=(const ProgramHandles&) = delete;
  ~ProgramHandles() { std::signal(SIGUSR1, SIG_DFL); }
};

}  // namespace

TEST_CASE("a signal's callback runs on the loop, after the one that was running") {
  EventLoop loop(virtual_time());
  Log log;
  loop.add_signal_handler(SIGUSR1, [&] { log("signal"); });
  loop.call_soon([&] {
    std::raise(SIGUSR1);
    log("still here");
  });
  run_turns(loop, 2);
  CHECK(log == Log{"still here", "signal"});
}

TEST_CASE("a signal wakes a loop that waits") {
  EventLoop loop;
  bool called = false;
  loop.add_signal_handler(SIGUSR1, [&] {
    called = true;
    loop.stop();
  });
  std::thread other([] { ::kill(::getpid(), SIGUSR1); });
  loop.run_forever();
  other.join();
  CHECK(called);
}

TEST_CASE("several signals each reach their own callback") {
  EventLoop loop(virtual_time());
  Log log;
  loop.add_signal_handler(SIGUSR1, [&] { log("usr1"); });
  loop.add_signal_handler(SIGUSR2, [&] { log("usr2"); });
  std::raise(SIGUSR2);
  std::raise(SIGUSR1);
  run_turns(loop);
  CHECK(log == Log{"usr1", "usr2"});  // by number
}

TEST_CASE("signals that come together may be told once") {
  EventLoop loop(virtual_time());
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  for (int i = 0; i < 5; ++i) std::raise(SIGUSR1);
  run_turns(loop, 2);
  CHECK(calls == 1);
  std::raise(SIGUSR1);
  run_turns(loop);
  CHECK(calls == 2);
}

TEST_CASE("a handler that is set anew replaces the one before") {
  EventLoop loop(virtual_time());
  Log log;
  loop.add_signal_handler(SIGUSR1, [&] { log("old"); });
  loop.add_signal_handler(SIGUSR1, [&] { log("new"); });
  std::raise(SIGUSR1);
  run_turns(loop);
  CHECK(log == Log{"new"});
}

TEST_CASE("remove_signal_handler() restores what was before") {
  const ProgramHandles program;
  EventLoop loop(virtual_time());
  bool called = false;
  loop.add_signal_handler(SIGUSR1, [&] { called = true; });
  CHECK(loop.remove_signal_handler(SIGUSR1));
  CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
  std::raise(SIGUSR1);
  run_turns(loop);
  CHECK_FALSE(called);
  CHECK(caught_by_program == 1);
}

TEST_CASE("a signal that came before its handler was removed is not told to the next one") {
  EventLoop loop(virtual_time());
  Log log;
  loop.add_signal_handler(SIGUSR1, [&] { log("first"); });
  std::raise(SIGUSR1);
  loop.remove_signal_handler(SIGUSR1);
  loop.add_signal_handler(SIGUSR1, [&] { log("second"); });
  run_turns(loop);
  CHECK(log.empty());
  std::raise(SIGUSR1);
  run_turns(loop);
  CHECK(log == Log{"second"});
}

TEST_CASE("a handler that is removed while its call is queued is not called") {
  EventLoop loop(virtual_time());
  Log log;
  loop.add_signal_handler(SIGUSR1, [&] {
    log("usr1");
    loop.remove_signal_handler(SIGUSR2);
  });
  loop.add_signal_handler(SIGUSR2, [&] { log("usr2"); });
  std::raise(SIGUSR1);
  std::raise(SIGUSR2);
  run_turns(loop);
  CHECK(log == Log{"usr1"});
}

TEST_CASE("a call that an interrupted turn has left is made once") {
  EventLoop loop(virtual_time());
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [] { throw KeyboardInterrupt(); });
  loop.add_signal_handler(SIGUSR2, [&] { ++calls; });
  std::raise(SIGUSR1);
  std::raise(SIGUSR2);
  CHECK_THROWS_AS(run_turns(loop), KeyboardInterrupt);
  std::raise(SIGUSR2);
  run_turns(loop);
  CHECK(calls == 1);
}

TEST_CASE("close() restores what was before") {
  const ProgramHandles program;
  EventLoop loop(virtual_time());
  loop.add_signal_handler(SIGUSR1, [] {});
  loop.close();
  std::raise(SIGUSR1);
  CHECK(caught_by_program == 1);
}

TEST_CASE("another loop cannot take a signal over, but has it once it is free") {
  EventLoop first(virtual_time());
  EventLoop second(virtual_time());
  first.add_signal_handler(SIGUSR1, [] {});
  CHECK_THROWS_AS(second.add_signal_handler(SIGUSR1, [] {}), RuntimeError);
  first.remove_signal_handler(SIGUSR1);
  bool called = false;
  second.add_signal_handler(SIGUSR1, [&] { called = true; });
  std::raise(SIGUSR1);
  run_turns(second);
  CHECK(called);
}

TEST_CASE("numbers that are no signals are refused, the last real one is not") {
  EventLoop loop(virtual_time());
  CHECK_THROWS_AS(loop.add_signal_handler(0, [] {}), ValueError);
  CHECK_THROWS_AS(loop.add_signal_handler(-3, [] {}), ValueError);
  CHECK_THROWS_AS(loop.add_signal_handler(1000, [] {}), ValueError);
  if (under_valgrind()) return;  // it keeps the last one for itself
  bool called = false;
  loop.add_signal_handler(SIGRTMAX, [&] { called = true; });
  std::raise(SIGRTMAX);
  run_turns(loop);
  CHECK(called);
}

TEST_CASE("a signal that cannot be caught is a system_error, and stays free") {
  EventLoop loop(virtual_time());
  CHECK_THROWS_AS(loop.add_signal_handler(SIGKILL, [] {}), std::system_error);
  EventLoop second(virtual_time());
  CHECK_THROWS_AS(second.add_signal_handler(SIGKILL, [] {}), std::system_error);
  CHECK_FALSE(loop.remove_signal_handler(SIGKILL));
}

TEST_CASE("KeyboardInterrupt out of a signal's callback leaves run_forever()") {
  EventLoop loop(virtual_time());
  loop.add_signal_handler(SIGUSR1, [] { throw KeyboardInterrupt(); });
  std::raise(SIGUSR1);
  CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
}

TEST_SUITE_END();
