// The contexts of what a loop calls for descriptors and signals.
#include <csignal>
#include <optional>
#include <string>

#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/loop/core.h>
#include <weft/task/context_var.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace weft;
using testing::Log;

TEST_SUITE_BEGIN("contexts of callbacks");

namespace {

/// A pipe with a byte in it.
class FullPipe {
 public:
  FullPipe() {
    REQUIRE(::pipe(ends_) == 0);
    CHECK(::write(writer(), "x", 1) == 1);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  ~FullPipe() {
    ::close(reader());
    ::close(writer());
  }
  int reader() const noexcept { return ends_[0]; }
  int writer() const noexcept { return ends_[1]; }

 private:
  int ends_[2] = {-1, -1};
};

void run_turns(EventLoop& loop, int turns) {
  in_loop(loop, [] {}, turns);
}

}  // namespace

TEST_CASE("reader and writer see the values that were set where they were added") {
  const FullPipe pipe;
  EventLoop loop(virtual_time());
  ContextVar<int> var("v", 0);
  int read_with = -1;
  int written_with = -1;
  Context().run([&] {
    var.set(1);
    loop.add_reader(pipe.reader(), [&] { read_with = var.get(); });
    var.set(2);
    loop.add_writer(pipe.writer(), [&] { written_with = var.get(); });
    var.set(3);
    run_turns(loop, 1);
    CHECK(var.get() == 3);
  });
  CHECK(read_with == 1);
  CHECK(written_with == 2);
}

TEST_CASE("what a reader sets it finds again when it is called next, and nobody else does") {
  const FullPipe pipe;
  EventLoop loop(virtual_time());
  ContextVar<int> var("v", 0);
  Log log;
  const auto count = [&] {
    var.set(var.get() + 1);
    log(std::to_string(var.get()));
  };
  Context().run([&] {
    SUBCASE("with no value at first") {}
    SUBCASE("with a value at first") { var.set(0); }
    loop.add_reader(pipe.reader(), count);
    run_turns(loop, 3);
    CHECK(log == Log{"1", "2", "3"});
    CHECK(var.get() == 0);
  });
}

TEST_CASE("a reader that is set anew has the context of that moment") {
  const FullPipe pipe;
  EventLoop loop(virtual_time());
  ContextVar<int> var("v", 0);
  int seen = -1;
  Context().run([&] {
    var.set(1);
    loop.add_reader(pipe.reader(), [&] { seen = var.get(); });
    var.set(2);
    loop.add_reader(pipe.reader(), [&] { seen = var.get(); });
    var.set(3);
    run_turns(loop, 1);
  });
  CHECK(seen == 2);
}

TEST_CASE("a reader that a task adds has the task's values, also behind its end") {
  const FullPipe pipe;
  testing::run([&] {
    ContextVar<int> var("v", 0);
    std::optional<int> seen;
    EventLoop& loop = get_running_loop();
    await(create_task([&] {
      var.set(5);
      loop.add_reader(pipe.reader(), [&] {
        seen = var.get();
        loop.remove_reader(pipe.reader());
      });
    }));
    while (!seen) yield_now();
    CHECK(seen == 5);
  });
}

TEST_CASE("a task that a reader makes inherits the reader's values") {
  const FullPipe pipe;
  testing::run([&] {
    ContextVar<int> var("v", 0);
    std::optional<Task<int>> task;
    EventLoop& loop = get_running_loop();
    create_task([&] {
      var.set(5);
      loop.add_reader(pipe.reader(), [&] {
        task = create_task([&] { return var.get(); });
        loop.remove_reader(pipe.reader());
      });
    });
    while (!task) yield_now();
    CHECK(await(*task) == 5);
  });
}

TEST_CASE("a signal's handler runs in the context in which it was added, each time in the same") {
  EventLoop loop(virtual_time());
  ContextVar<int> var("v", 0);
  Log log;
  Context().run([&] {
    var.set(10);
    loop.add_signal_handler(SIGUSR1, [&] {
      var.set(var.get() + 1);
      log(std::to_string(var.get()));
    });
    var.set(20);
    for (int i = 0; i < 2; ++i) {
      std::raise(SIGUSR1);
      run_turns(loop, 1);
    }
    CHECK(log == Log{"11", "12"});
    CHECK(var.get() == 20);
  });
}

TEST_CASE("a callback that sets the first variable of all does not set its thread's") {
  detail::context_hooks.store(nullptr);  // white box: as if no context had been made yet
  Context own;
  EventLoop loop(virtual_time());
  ContextVar<int> var("v", 0);
  own.run([&] {
    in_loop(loop, [&] { var.set(1); });
    CHECK(var.get() == 0);
    var.set(2);
  });
  CHECK(own.run([&] { return var.get(); }) == 2);
}

TEST_SUITE_END();
