// Both of add_reader() and add_writer(), over each selector.
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <system_error>

#include <sys/socket.h>

#include <doctest/doctest.h>

#include <weft/loop/event_loop.h>

#include "loops.h"
#include "selectors.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

namespace {

template <class Kind>
EventLoopOptions options() {
  EventLoopOptions options = virtual_time();
  options.selector = Kind::make();
  return options;
}

}  // namespace

TEST_SUITE_BEGIN("descriptors of EventLoop");

TEST_CASE_TEMPLATE("a reader is called in each turn in which there is something to read", Kind,
                   SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  int calls = 0;
  loop.add_reader(pipe.reader(), [&] { ++calls; });
  run_turns(loop, 2);
  CHECK(calls == 0);
  pipe.put();
  run_turns(loop, 3);
  CHECK(calls == 3);  // it was left there
  pipe.take();
  run_turns(loop, 2);
  CHECK(calls == 3);
  CHECK(loop.remove_reader(pipe.reader()));
}

TEST_CASE_TEMPLATE("a loop that waits is woken by a descriptor", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  Log log;
  loop.add_reader(pipe.reader(), [&] {
    log(std::string(1, pipe.take()));
    loop.stop();
  });
  loop.call_later(1h, [&] { pipe.put('y'); });
  loop.run_forever();
  loop.remove_reader(pipe.reader());
  CHECK(log == Log{"y"});
}

TEST_CASE_TEMPLATE("a writer is called while there is room", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  int calls = 0;
  loop.add_writer(pipe.writer(), [&] { ++calls; });
  run_turns(loop, 2);
  CHECK(calls == 2);
  CHECK(loop.remove_writer(pipe.writer()));
  run_turns(loop);
  CHECK(calls == 2);
}

TEST_CASE_TEMPLATE("reader and writer of one descriptor are apart", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  Log log;
  const Pipe pipe;  // of a pipe's end only one of the two is ever called
  loop.add_writer(pipe.writer(), [&] { log("writable"); });
  loop.add_reader(pipe.writer(), [&] { log("readable"); });
  run_turns(loop);
  CHECK(log == Log{"writable"});
  CHECK(loop.remove_writer(pipe.writer()));
  run_turns(loop);
  CHECK(log == Log{"writable"});
  CHECK_FALSE(loop.remove_writer(pipe.writer()));
  CHECK(loop.remove_reader(pipe.writer()));
}

TEST_CASE_TEMPLATE("the other end's going is told to the reader", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  Pipe pipe;
  Log log;
  loop.add_reader(pipe.reader(), [&] { log("reader"); });
  loop.add_writer(pipe.writer(), [&] { log("writer"); });
  loop.remove_writer(pipe.writer());
  pipe.close_writer();
  run_turns(loop);
  CHECK(log == Log{"reader"});
  loop.remove_reader(pipe.reader());
}

TEST_CASE_TEMPLATE("a descriptor that is closed before it was removed is called once more at most",
                   Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  Pipe first;
  const int number = first.reader();
  int calls = 0;
  loop.add_reader(number, [&] { ++calls; });
  loop.add_writer(number, [&] { ++calls; });
  first.close_reader();
  run_turns(loop, 5);
  CHECK(calls <= 2);
  calls = 0;
  const Pipe second;
  REQUIRE(second.reader() == number);
  loop.add_reader(number, [&] { ++calls; });  // of the new one
  second.put();
  run_turns(loop);
  CHECK(calls == 1);
  CHECK_FALSE(loop.remove_writer(number));  // the old one's
  CHECK(loop.remove_reader(number));
}

TEST_CASE_TEMPLATE("a descriptor that was closed too early can still be removed", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  Pipe pipe;
  const int number = pipe.reader();
  loop.add_reader(number, [] {});
  loop.add_writer(number, [] {});
  pipe.close_reader();
  run_turns(loop);
  CHECK(loop.remove_reader(number));
  CHECK(loop.remove_writer(number));
  CHECK_FALSE(loop.remove_writer(number));
}

TEST_CASE_TEMPLATE("reader and writer of one descriptor are called in the same turn", Kind,
                   SELECTORS) {
  EventLoop loop(options<Kind>());
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  REQUIRE(::write(ends[1], "x", 1) == 1);
  Log log;
  loop.add_writer(ends[0], [&] { log("writer"); });
  loop.add_reader(ends[0], [&] { log("reader"); });
  run_turns(loop, 2);
  CHECK(log == Log{"reader", "writer", "reader", "writer"});
  CHECK(loop.remove_reader(ends[0]));
  run_turns(loop);
  CHECK(log == Log{"reader", "writer", "reader", "writer", "writer"});
  CHECK(loop.remove_writer(ends[0]));
  for (const int fd : ends) ::close(fd);
}

TEST_CASE_TEMPLATE("a reader that is removed after interrupted turns is not called", Kind,
                   SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  pipe.put();
  int calls = 0;
  for (int i = 0; i < 2; ++i) loop.call_soon([] { throw KeyboardInterrupt(); });
  loop.add_reader(pipe.reader(), [&] { ++calls; });
  for (int i = 0; i < 2; ++i)  // each is told of the reader, and neither comes to call it
    CHECK_THROWS_AS(run_turns(loop), KeyboardInterrupt);
  CHECK(loop.remove_reader(pipe.reader()));
  run_turns(loop, 2);
  CHECK(calls == 0);
}

TEST_CASE_TEMPLATE("a call that an interrupted turn has left is made once", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  pipe.put();
  int calls = 0;
  loop.call_soon([] { throw KeyboardInterrupt(); });
  loop.add_reader(pipe.reader(), [&] { ++calls; });
  CHECK_THROWS_AS(run_turns(loop), KeyboardInterrupt);
  run_turns(loop);
  CHECK(calls == 1);
  loop.remove_reader(pipe.reader());
}

TEST_CASE_TEMPLATE("a reader that is set anew replaces the one before", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  Log log;
  pipe.put();
  loop.add_reader(pipe.reader(), [&] { log("old"); });
  run_turns(loop);
  loop.add_reader(pipe.reader(), [&] { log("new"); });
  run_turns(loop);
  CHECK(log == Log{"old", "new"});
  loop.remove_reader(pipe.reader());
}

TEST_CASE_TEMPLATE("a reader that is replaced while its call is queued is not called", Kind,
                   SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  Log log;
  pipe.put();
  loop.call_soon([&] { loop.add_reader(pipe.reader(), [&] { log("new"); }); });
  loop.add_reader(pipe.reader(), [&] { log("old"); });
  run_turns(loop);
  CHECK(log.empty());
  run_turns(loop);
  CHECK(log == Log{"new"});
  loop.remove_reader(pipe.reader());
}

TEST_CASE_TEMPLATE("a reader that is removed while its call is queued is not called", Kind,
                   SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  bool called = false;
  pipe.put();
  loop.call_soon([&] { CHECK(loop.remove_reader(pipe.reader())); });
  loop.add_reader(pipe.reader(), [&] { called = true; });
  run_turns(loop, 2);
  CHECK_FALSE(called);
}

TEST_CASE_TEMPLATE("a reader may remove itself", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  int calls = 0;
  pipe.put();
  loop.add_reader(pipe.reader(), [&, held = std::make_shared<int>(3)] {
    loop.remove_reader(pipe.reader());
    calls += *held;  // what it holds is still there
  });
  run_turns(loop, 2);
  CHECK(calls == 3);
}

TEST_CASE_TEMPLATE("removing what is not there is no error", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  CHECK_FALSE(loop.remove_reader(pipe.reader()));
  loop.add_reader(pipe.reader(), [] {});
  CHECK_FALSE(loop.remove_writer(pipe.reader()));
  CHECK(loop.remove_reader(pipe.reader()));
  CHECK_FALSE(loop.remove_reader(pipe.reader()));
  CHECK_FALSE(loop.remove_reader(-1));
}

TEST_CASE_TEMPLATE("a descriptor can be registered again after it was removed", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  const Pipe pipe;
  int calls = 0;
  pipe.put();
  loop.add_reader(pipe.reader(), [] {});
  loop.remove_reader(pipe.reader());
  loop.add_reader(pipe.reader(), [&] { ++calls; });
  run_turns(loop);
  CHECK(calls == 1);
  loop.remove_reader(pipe.reader());
}

TEST_CASE_TEMPLATE("a negative descriptor is a ValueError that names it", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  CHECK(error_of([&] { loop.add_reader(-1, [] {}); }) == "ValueError('fd: -1 is no descriptor')");
  CHECK_THROWS_AS(loop.add_writer(-5, [] {}), ValueError);
}

namespace {

/// The message and number of the std::system_error that `f()` throws.
template <class F>
std::pair<int, std::string> system_error_of(F&& f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
  return {0, ""};
}

}  // namespace

TEST_CASE_TEMPLATE("a regular file is refused: it is always ready", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  char name[] = "/tmp/weft_test_XXXXXX";
  const int fd = mkstemp(name);
  REQUIRE(fd != -1);
  const auto [number, text] = system_error_of([&] { loop.add_reader(fd, [] {}); });
  CHECK(number == EPERM);
  CHECK(text.find("descriptor " + std::to_string(fd)) != std::string::npos);
  CHECK_FALSE(loop.remove_reader(fd));  // nothing of it is kept
  ::close(fd);
  ::unlink(name);
}

TEST_CASE_TEMPLATE("a descriptor that is not open is refused", Kind, SELECTORS) {
  EventLoop loop(options<Kind>());
  Pipe pipe;
  const int fd = pipe.reader();
  pipe.close_reader();
  const auto [number, text] = system_error_of([&] { loop.add_reader(fd, [] {}); });
  CHECK(number == EBADF);
  CHECK(text.find(std::to_string(fd)) != std::string::npos);
}

TEST_CASE_TEMPLATE("an exception of a reader reaches the handler, and the reader stays", Kind,
                   SELECTORS) {
  EventLoop loop(options<Kind>());
  const Told told(loop);
  const Pipe pipe;
  pipe.put();
  loop.add_reader(pipe.reader(), [] { throw ValueError("reader"); });
  run_turns(loop, 2);
  const std::string line = "Exception in callback: ValueError('reader')";
  CHECK(told.log == Log{line, line});
  loop.remove_reader(pipe.reader());
}

TEST_SUITE_END();
