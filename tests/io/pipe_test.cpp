#include <weft/io/pipe.h>

#include <cerrno>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/task/task.h>

#include "../child.h"
#include "selectors.h"

using namespace weft;
using testing::settle;

namespace {

std::string read_some(ByteStream& stream) {
  std::string data(100, '\0');
  data.resize(stream.read_some(std::span<char>(data)));
  return data;
}

}  // namespace

TEST_SUITE_BEGIN("PipeStream");

TEST_CASE_TEMPLATE("a pipe carries bytes one way, and says so", S, SELECTORS) {
  run_on<S>([] {
    auto [reader, writer] = PipeStream::one_way();
    writer->write_all("one way");
    CHECK(read_some(*reader) == "one way");
    CHECK(errno_of([&reader = reader] { reader->write_some("x"); }) == EBADF);
    CHECK(errno_of([&writer = writer] { read_some(*writer); }) == EBADF);
    writer->shutdown_write();
    CHECK(read_some(*reader).empty());
    CHECK_FALSE(writer->closed());
    writer->shutdown_write();  // no effect
  });
}

TEST_CASE_TEMPLATE("a reader waits over each selector, again and again", S, SELECTORS) {
  run_on<S>([] {
    auto [reader, writer] = PipeStream::one_way();
    for (int i = 0; i < 3; ++i) {
      const auto task = create_task([&reader = reader] { return read_some(*reader); });
      settle();
      CHECK_FALSE(task.done());
      writer->write_all("more");
      CHECK(task.await() == "more");
    }
  });
}

TEST_CASE("descriptors are taken over, made non-blocking, and closed") {
  testing::run([] {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    auto reader = PipeStream::adopt(FileDescriptor(ends[0]));
    auto writer = PipeStream::adopt({}, FileDescriptor(ends[1]));
    CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(ends[1], F_GETFD) & FD_CLOEXEC) != 0);
    writer->write_all("x");
    CHECK(read_some(*reader) == "x");
    writer->close();
    CHECK(fcntl(ends[1], F_GETFD) == -1);
  });
}

TEST_CASE("none at all is refused by name") {
  CHECK(contains(error_of([] { PipeStream::adopt({}, {}); }), "ValueError('reader, writer: "));
}

TEST_CASE("EPIPE comes without a signal, and leaves the thread's signals as they were") {
  const Ending ending = run_in_child([] {
    std::signal(SIGPIPE, SIG_DFL);
    testing::run([] {
      auto [reader, writer] = PipeStream::one_way();
      reader->close();
      if (errno_of([&writer = writer] { writer->write_some("x"); }) != EPIPE) _exit(1);
      sigset_t mask, pending;
      pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      sigpending(&pending);
      if (sigismember(&mask, SIGPIPE) || sigismember(&pending, SIGPIPE)) _exit(2);
    });
  });
  CHECK(ending.signal == 0);
  CHECK(ending.status == 0);
}

TEST_CASE("errors of the system name the call") {
  testing::run([] {
    const FileDescriptor folder(::open("/", O_RDONLY));
    auto stream = PipeStream::adopt(FileDescriptor(::dup(folder.get())));
    CHECK(errno_of([&] { read_some(*stream); }) == EISDIR);
    CHECK(contains(error_of([&] { read_some(*stream); }), "read from a pipe"));
  });
}

TEST_SUITE_END();
