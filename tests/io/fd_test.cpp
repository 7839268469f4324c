#include <weft/io/fd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/loop/event_loop.h>
#include <weft/task/run.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "selectors.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }
  void put() const { CHECK(::write(writer.get(), "x", 1) == 1); }
  void take() const {
    char byte = 0;
    CHECK(::read(reader.get(), &byte, 1) == 1);
  }
  void fill() const {
    const std::array<char, 4096> bytes{};
    while (::write(writer.get(), bytes.data(), bytes.size()) > 0) {
    }
    CHECK(errno == EAGAIN);
  }
  void empty() const {
    std::array<char, 4096> bytes{};
    while (::read(reader.get(), bytes.data(), bytes.size()) > 0) {
    }
  }

  FileDescriptor reader, writer;
};

/// A file of the kind that is always ready.
FileDescriptor regular_file() {
  char name[] = "/tmp/weft-fd-test-XXXXXX";
  FileDescriptor fd(mkstemp(name));
  REQUIRE(fd);
  ::unlink(name);
  return fd;
}

}  // namespace

TEST_SUITE_BEGIN("FileDescriptor");

TEST_CASE("a descriptor is closed with its owner") {
  int number = -1;
  {
    const FileDescriptor fd(eventfd(0, 0));
    number = fd.get();
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("an owner of nothing is -1, and false") {
  const FileDescriptor fd;
  CHECK(fd.get() == -1);
  CHECK_FALSE(bool(fd));
}

TEST_CASE("moving gives the descriptor away, and closes the one that was there") {
  FileDescriptor first(eventfd(0, 0));
  FileDescriptor second(eventfd(0, 0));
  const int kept = first.get();
  const int closed = second.get();
  second = std::move(first);
  CHECK(second.get() == kept);
  CHECK(is_open(kept));
  CHECK_FALSE(is_open(closed));
  CHECK(first.get() == -1);
}

TEST_CASE("moving a descriptor to itself keeps it") {
  FileDescriptor fd(eventfd(0, 0));
  FileDescriptor& same = fd;
  fd = std::move(same);
  CHECK(is_open(fd.get()));
}

TEST_CASE("release() leaves the descriptor open") {
  FileDescriptor fd(eventfd(0, 0));
  const int number = fd.release();
  CHECK_FALSE(bool(fd));
  CHECK(is_open(number));
  ::close(number);
}

TEST_CASE("close() has no effect the second time") {
  FileDescriptor fd(eventfd(0, 0));
  const int number = fd.get();
  fd.close();
  const FileDescriptor other(dup2(STDIN_FILENO, number));  // the number is somebody else's now
  fd.close();
  CHECK(is_open(number));
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("wait_readable, wait_writable");

TEST_CASE_TEMPLATE("a reader wakes when there is data", S, SELECTORS) {
  run_on<S>([] {
    const Pipe pipe;
    Log log;
    const auto reader = create_task([&] { wait_readable(pipe.reader.get()), log("read"); });
    settle();
    log("put");
    pipe.put();
    reader.await();
    CHECK(log == Log{"put", "read"});
  });
}

TEST_CASE_TEMPLATE("a writer wakes when there is room", S, SELECTORS) {
  run_on<S>([] {
    const Pipe pipe;
    pipe.fill();
    Log log;
    const auto writer = create_task([&] { wait_writable(pipe.writer.get()), log("write"); });
    settle();
    log("empty");
    pipe.empty();
    writer.await();
    CHECK(log == Log{"empty", "write"});
  });
}

TEST_CASE_TEMPLATE("what is ready already is told each time, after a turn", S, SELECTORS) {
  run_on<S>([] {
    const Pipe pipe;
    pipe.put();
    for (int i = 0; i < 3; ++i) CHECK(turns([&] { wait_readable(pipe.reader.get()); }) == 1);
    for (int i = 0; i < 3; ++i) CHECK(turns([&] { wait_writable(pipe.writer.get()); }) == 1);
  });
}

TEST_CASE_TEMPLATE("the end of a pipe is something to read", S, SELECTORS) {
  run_on<S>([] {
    Pipe pipe;
    const auto reader = create_task([&] { wait_readable(pipe.reader.get()); });
    settle();
    CHECK_FALSE(reader.done());
    pipe.writer.close();
    reader.await();
  });
}

TEST_CASE_TEMPLATE("a full pipe that nobody will read can be written to: it says EPIPE", S,
                   SELECTORS) {
  run_on<S>([] {
    Pipe pipe;
    pipe.fill();
    const auto writer = create_task([&] { wait_writable(pipe.writer.get()); });
    settle();
    CHECK_FALSE(writer.done());
    pipe.reader.close();
    writer.await();
  });
}

TEST_CASE_TEMPLATE("an eventfd is waited for in both directions", S, SELECTORS) {
  run_on<S>([] {
    const FileDescriptor counter(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    wait_writable(counter.get());
    const auto reader = create_task([&] { wait_readable(counter.get()); });
    settle();
    CHECK_FALSE(reader.done());
    const std::uint64_t one = 1;
    CHECK(::write(counter.get(), &one, sizeof one) == sizeof one);
    reader.await();
  });
}

TEST_CASE_TEMPLATE("the other direction does not wake", S, SELECTORS) {
  run_on<S>([] {
    const FileDescriptor counter(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    const auto reader = create_task([&] { wait_readable(counter.get()); });
    settle();
    CHECK_FALSE(reader.done());  // although it could be written to all the time
    reader.cancel();
    settle();
  });
}

TEST_CASE_TEMPLATE("two ends are waited for side by side", S, SELECTORS) {
  run_on<S>([] {
    const Pipe first, second;
    Log log;
    const auto a = create_task([&] { wait_readable(first.reader.get()), log("first"); });
    const auto b = create_task([&] { wait_readable(second.reader.get()), log("second"); });
    settle();
    second.put();
    settle();
    CHECK(log == Log{"second"});
    first.put();
    a.await();
    CHECK(b.done());
  });
}

TEST_CASE_TEMPLATE("a cancelled wait lets go of the descriptor, and takes nothing from it", S,
                   SELECTORS) {
  run_on<S>([] {
    const Pipe pipe;
    const auto reader = create_task([&] { wait_readable(pipe.reader.get()); });
    settle();
    reader.cancel();
    pipe.put();
    settle();
    CHECK(reader.cancelled());
    wait_readable(pipe.reader.get());  // it would be refused if it were registered still
    pipe.take();
  });
}

TEST_CASE_TEMPLATE("a wait that is woken and cancelled in the same turn is cancelled", S,
                   SELECTORS) {
  run_on<S>([] {
    const Pipe first, second;
    std::vector<AnyTask> both;
    for (const Pipe* pipe : {&first, &second})
      both.emplace_back(create_task([&both, pipe] {
        wait_readable(pipe->reader.get());
        for (const AnyTask& task : both) task.cancel();  // the other one is ready as well
        yield_now();
      }));
    settle();
    first.put();
    second.put();
    settle();
    for (const AnyTask& task : both) CHECK(task.cancelled());
    wait_readable(first.reader.get());
    wait_readable(second.reader.get());
  });
}

TEST_CASE_TEMPLATE("a limit on a wait is kept, and the descriptor let go", S, SELECTORS) {
  run_on<S>([] {
    const Pipe pipe;
    const TimePoint start = now();
    CHECK_THROWS_AS(timeout(1h, [&] { wait_readable(pipe.reader.get()); }), TimeoutError);
    CHECK(now() - start == 1h);
  });
}

TEST_CASE_TEMPLATE("one task may wait to read and another to write", S, SELECTORS) {
  run_on<S>([] {
    const FileDescriptor counter(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    const std::uint64_t full = std::uint64_t(-2);
    CHECK(::write(counter.get(), &full, sizeof full) == sizeof full);
    Log log;
    const auto writer = create_task([&] { wait_writable(counter.get()), log("writable"); });
    settle();
    CHECK(log.empty());
    const auto reader = create_task([&] { wait_readable(counter.get()), log("readable"); });
    settle();
    CHECK(log == Log{"readable"});  // the one that came later, and it alone
    std::uint64_t taken = 0;
    CHECK(::read(counter.get(), &taken, sizeof taken) == sizeof taken);
    writer.await();
    CHECK(log == Log{"readable", "writable"});
  });
}

TEST_CASE_TEMPLATE("the second direction is told as it is now, not as it was", S, SELECTORS) {
  run_on<S>([] {
    const FileDescriptor counter(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    const auto reader = create_task([&] { wait_readable(counter.get()); });
    settle();  // by now it has been told that the counter can be written to
    const std::uint64_t full = std::uint64_t(-2);
    CHECK(::write(counter.get(), &full, sizeof full) == sizeof full);
    const auto writer = create_task([&] { wait_writable(counter.get()); });
    settle();
    CHECK(reader.done());
    CHECK_FALSE(writer.done());
    std::uint64_t taken = 0;
    CHECK(::read(counter.get(), &taken, sizeof taken) == sizeof taken);
    writer.await();
  });
}

TEST_CASE_TEMPLATE("a direction goes on to wait when the other one's task is cancelled", S,
                   SELECTORS) {
  run_on<S>([] {
    const FileDescriptor counter(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    const std::uint64_t full = std::uint64_t(-2);
    CHECK(::write(counter.get(), &full, sizeof full) == sizeof full);
    const auto writer = create_task([&] { wait_writable(counter.get()); });
    settle();
    std::uint64_t taken = 0;
    const auto reader = create_task([&] {
      for (;;) {
        wait_readable(counter.get());
        if (::read(counter.get(), &taken, sizeof taken) == -1) CHECK(errno == EAGAIN);
      }
    });
    writer.await();
    settle();
    CHECK(taken == full);
    reader.cancel();
    settle();
    CHECK(reader.cancelled());
    wait_writable(counter.get());  // nobody watches it any more
  });
}

TEST_CASE_TEMPLATE("a second wait on the same descriptor is refused, and the first goes on", S,
                   SELECTORS) {
  run_on<S>([] {
    const Pipe pipe;
    const auto reader = create_task([&] { wait_readable(pipe.reader.get()); });
    settle();
    const std::string number = std::to_string(pipe.reader.get());
    CHECK(errno_of([&] { wait_readable(pipe.reader.get()); }) == EEXIST);
    CHECK(contains(error_of([&] { wait_readable(pipe.reader.get()); }), "descriptor " + number));
    CHECK_FALSE(reader.done());
    pipe.put();
    reader.await();
  });
}

TEST_CASE_TEMPLATE("a regular file is refused: EPERM, with the descriptor's number", S, SELECTORS) {
  run_on<S>([] {
    const FileDescriptor file = regular_file();
    CHECK(errno_of([&] { wait_readable(file.get()); }) == EPERM);
    const std::string error = error_of([&] { wait_writable(file.get()); });
    CHECK(contains(error, "descriptor " + std::to_string(file.get())));
    CHECK(contains(error, "always ready"));
    CHECK(is_open(file.get()));
  });
}

TEST_CASE_TEMPLATE("a closed descriptor is refused: EBADF, with its number", S, SELECTORS) {
  run_on<S>([] {
    Pipe pipe;
    const int number = pipe.reader.get();
    pipe.reader.close();
    CHECK(errno_of([&] { wait_readable(number); }) == EBADF);
    CHECK(
        contains(error_of([&] { wait_readable(number); }), "descriptor " + std::to_string(number)));
  });
}

TEST_CASE_TEMPLATE("a negative descriptor is refused by name", S, SELECTORS) {
  run_on<S>([] {
    CHECK(error_of([] { wait_readable(-1); }) == "ValueError('wait_readable: fd -1 is none')");
    CHECK(error_of([] { wait_writable(-7); }) == "ValueError('wait_writable: fd -7 is none')");
  });
}

TEST_CASE("outside a task there is nothing to suspend, and the descriptor stays open") {
  const Pipe pipe;
  pipe.put();
  CHECK(contains(error_of([&] { wait_readable(pipe.reader.get()); }), "RuntimeError('"));
  testing::run([&] {
    std::string error;
    get_running_loop().call_soon(
        [&] { error = error_of([&] { wait_readable(pipe.reader.get()); }); });
    yield_now();
    yield_now();
    CHECK(contains(error, "RuntimeError('"));
  });
  CHECK(is_open(pipe.reader.get()));
}

TEST_CASE_TEMPLATE("a descriptor with a reader of the loop cannot be waited for as well", S,
                   SELECTORS) {
  run_on<S>([] {
    const Pipe pipe;
    get_running_loop().add_reader(pipe.reader.get(), [] {});
    CHECK(errno_of([&] { wait_readable(pipe.reader.get()); }) == EEXIST);
    CHECK(get_running_loop().remove_reader(pipe.reader.get()));
  });
}

TEST_SUITE_END();
