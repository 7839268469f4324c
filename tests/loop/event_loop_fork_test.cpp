#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/loop/event_loop.h>

#include "../child.h"
#include "loops.h"

using namespace std::chrono_literals;
using namespace weft;

TEST_SUITE_BEGIN("EventLoop in a forked child");

namespace {

constexpr const char* kRefused = "RuntimeError('the event loop belongs to another process')";

}  // namespace

TEST_CASE("every call on the loop is refused, and says why") {
  EventLoop loop(virtual_time());
  const Pipe pipe;
  using Call = std::function<void()>;
  const Call calls[] = {
      [&] { loop.call_soon([] {}); },
      [&] { loop.call_later(1s, [] {}); },
      [&] { loop.call_soon_threadsafe([] {}); },
      [&] { loop.add_reader(pipe.reader(), [] {}); },
      [&] { loop.add_writer(pipe.writer(), [] {}); },
      [&] { loop.add_signal_handler(SIGUSR1, [] {}); },
      [&] { loop.at_shutdown([] {}); },
      [&] { loop.run_forever(); },
      [&] { loop.run_once(); },
  };
  for (const Call& call : calls) CHECK(in_child([&] { return error_of(call); }) == kRefused);
  CHECK(in_child([&] { return loop.is_closed() ? "closed" : "open"; }) == "closed");
  CHECK_FALSE(loop.is_closed());
}

TEST_CASE("there is no running loop, and the message says whose it was") {
  EventLoop loop(virtual_time());
  std::string found;
  loop.call_soon([&] { found = in_child([] { return error_of([] { get_running_loop(); }); }); });
  run_turns(loop);
  CHECK(found == kRefused);
  CHECK(error_of([] { get_running_loop(); }) == "RuntimeError('no running event loop')");
}

TEST_CASE("a child that comes back to the loop leaves it by that error, and runs nothing more") {
  const Ending ending = run_in_child([] {
    EventLoop loop(virtual_time());
    pid_t child = -1;
    loop.call_soon([&] { child = ::fork(); });
    loop.call_soon([&] {
      if (child == 0) _exit(1);
      loop.stop();
    });
    const std::string error = error_of([&] { loop.run_forever(); });
    if (child == 0) _exit(error == kRefused && !loop.is_running() ? 7 : 2);
    int status = 0;
    ::waitpid(child, &status, 0);
    _exit(error == "nothing" ? WEXITSTATUS(status) : 3);
  });
  CHECK(ending.status == 7);
}

TEST_CASE("what the child does with the loop does not concern the parent's") {
  auto loop = std::make_unique<EventLoop>(virtual_time());
  const Pipe pipe;
  int calls = 0;
  loop->add_reader(pipe.reader(), [&] {
    pipe.take();
    ++calls;
  });
  in_child([&] {
    loop->remove_reader(pipe.reader());
    loop->close();
    loop.reset();
    return "";
  });
  pipe.put();
  run_turns(*loop, 2);
  CHECK(calls == 1);
}

TEST_CASE("signals that the loop catches do in the child what they did before") {
  EventLoop loop(virtual_time());
  int calls = 0;
  loop.add_signal_handler(SIGUSR1, [&] { ++calls; });
  CHECK(run_in_child([] { std::raise(SIGUSR1); }).signal == SIGUSR1);
  std::raise(SIGUSR1);
  run_turns(loop);
  CHECK(calls == 1);
}

TEST_CASE("the loops of other threads are refused as well") {
  auto loop = std::make_unique<EventLoop>();
  std::thread other([&] { loop->run_forever(); });
  CHECK(in_child([&] {
          const std::string error = error_of([&] { loop->call_soon_threadsafe([] {}); });
          loop.reset();  // nobody runs it here
          return error;
        }) == kRefused);
  loop->call_soon_threadsafe([&] { loop->stop(); });
  other.join();
}

TEST_CASE("a child has loops of its own, also inside one of the parent's") {
  const auto run_one = [] {
    EventLoop own(virtual_time());
    std::string text = "not run";
    own.call_later(1s, [&] {
      text = &get_running_loop() == &own ? "run" : "another";
      own.stop();
    });
    own.run_forever();
    return text;
  };
  EventLoop loop(virtual_time());
  CHECK(in_child(run_one) == "run");
  std::string inside;
  loop.call_soon([&] { inside = in_child(run_one); });
  run_turns(loop);
  CHECK(inside == "run");
}

TEST_SUITE_END();
