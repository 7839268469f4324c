// White-box in one thing: it asks when a thread has begun to read.
#include <weft/io/file.h>

#include <cerrno>
#include <cstdlib>
#include <latch>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/io/pipe.h>
#include <weft/io/stream_reader.h>
#include <weft/io/stream_writer.h>
#include <weft/io/to_thread.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "base/system.h"
#include "selectors.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle;

namespace {

/// A name for a file, which is removed at the end.
class TemporaryPath {
 public:
  TemporaryPath() {
    char name[] = "/tmp/weft-file-test-XXXXXX";
    ::close(mkstemp(name));
    path_ = name;
  }
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  ~TemporaryPath() { ::unlink(path_.c_str()); }
  operator const std::string&() const { return path_; }

 private:
  std::string path_;
};

/// While it lives it knows when the first read begins.
class ReadWatched {
 public:
  ReadWatched() {
    begun = &begun_;
    detail::system_calls.read = [](int fd, void* buffer, std::size_t size) {
      begun->count_down();
      return ::read(fd, buffer, size);
    };
  }
  ReadWatched(const ReadWatched&) = delete;
  ReadWatched& operator=(const ReadWatched&) = delete;
  ~ReadWatched() { detail::system_calls.read = ::read; }
  void wait() {
    yield_now();  // the task that reads runs
    begun_.wait();
  }

 private:
  static inline std::latch* begun = nullptr;
  std::latch begun_{1};
};

std::string content_of(const std::string& path) { return StreamReader(open_file(path)).read_all(); }

void write_file(const std::string& path, std::string_view mode, std::string_view text) {
  open_file(path, mode)->write_all(text);
}

}  // namespace

TEST_SUITE_BEGIN("open_file");

TEST_CASE("what is written to a file is read from it, line by line") {
  testing::run([] {
    const TemporaryPath path;
    {
      StreamWriter writer(open_file(path, "w"));
      writer.write("one\n");
      writer.write("two\n");
      writer.drain();
      writer.close();
      writer.wait_closed();
    }
    StreamReader reader(open_file(path));
    CHECK(reader.readline() == "one\n");
    CHECK(reader.readline() == "two\n");
    CHECK(reader.readline().empty());
    CHECK(reader.at_eof());
  });
}

TEST_CASE("the mode says whether the file is made anew, kept, or must not be there") {
  testing::run([] {
    const TemporaryPath path;
    write_file(path, "w", "first");
    write_file(path, "a", " second");
    CHECK(content_of(path) == "first second");
    write_file(path, "r+", "FIRST");
    CHECK(content_of(path) == "FIRST second");
    write_file(path, "wb", "anew");
    CHECK(content_of(path) == "anew");
    CHECK(errno_of([&] { open_file(path, "x"); }) == EEXIST);
    char byte[1];
    CHECK(errno_of([&] { open_file(path, "w")->read_some(std::span<char>(byte)); }) == EBADF);
    CHECK(contains(error_of([&] { open_file(path, "rw"); }), "ValueError('mode: 'rw' is none"));
  });
}

TEST_CASE("a file that is not there is an error that names open and the path") {
  testing::run([] {
    const auto open = [] { open_file("/nowhere/at all"); };
    CHECK(errno_of(open) == ENOENT);
    CHECK(contains(error_of(open), "open /nowhere/at all"));
  });
}

TEST_CASE("a full disk is an error that names write") {
  testing::run([] {
    const auto file = open_file("/dev/full", "w");
    const auto write = [&] { file->write_all("too much"); };
    CHECK(errno_of(write) == ENOSPC);
    CHECK(contains(error_of(write), "write /dev/full"));
    StreamWriter writer(open_file("/dev/full", "w"));
    writer.write("buffered");
    writer.close();
    CHECK(errno_of([&] { writer.wait_closed(); }) == ENOSPC);
  });
}

TEST_CASE("sync() brings it to the disk, and a file has one end only") {
  testing::run([] {
    const TemporaryPath path;
    const auto file = open_file(path, "w");
    file->write_all("kept");
    CHECK_NOTHROW(file->sync());
    CHECK_FALSE(file->can_shutdown_write());
    CHECK(error_of([&] { file->shutdown_write(); }) ==
          "RuntimeError('shutdown_write: a file has one end only')");
    CHECK(file->peer_name() == std::string(path));
  });
}

TEST_CASE("a read that has begun is finished when its task is cancelled, and no byte is lost") {
  testing::run([] {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    FileStream file{FileDescriptor(ends[0])};  // its reads take as long as we like
    const FileDescriptor writer(ends[1]);
    ReadWatched read;
    std::string got, then;
    const auto task = create_task([&] {
      got.resize(100);
      got.resize(file.read_some(std::span<char>(got)));
      then = error_of([] { sleep(1h); });
    });
    read.wait();
    task.cancel("late");
    settle();
    CHECK_FALSE(task.done());
    CHECK(::write(writer.get(), "whole", 5) == 5);
    task.await();
    CHECK(got == "whole");
    CHECK(then == "CancelledError('late')");
  });
}

TEST_CASE("a limit that ends while the call does is not felt later") {
  testing::run([] {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    FileStream file{FileDescriptor(ends[0])};
    const FileDescriptor writer(ends[1]);
    ReadWatched read;
    std::string got(100, ' ');
    bool slept = false;
    const auto task = create_task([&] {
      timeout(1s, [&] { got.resize(file.read_some(std::span<char>(got))); });
      sleep(1s);
      slept = true;
    });
    read.wait();
    sleep(2s);
    CHECK(::write(writer.get(), "whole", 5) == 5);
    task.await();
    CHECK(got == "whole");
    CHECK(slept);
  });
}

TEST_CASE("one call at a time; a file that is closed meanwhile is closed behind it") {
  testing::run([] {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    FileStream file{FileDescriptor(ends[0])};
    const FileDescriptor writer(ends[1]);
    std::string got(100, ' ');
    const auto task = create_task([&] { got.resize(file.read_some(std::span<char>(got))); });
    settle();
    CHECK(error_of([&] { file.sync(); }) ==
          "RuntimeError('fsync: another task waits to use this file')");
    file.close();
    CHECK(::write(writer.get(), "whole", 5) == 5);
    task.await();
    CHECK(got == "whole");
    CHECK(errno_of([&] { file.sync(); }) == EBADF);
    CHECK(fcntl(ends[0], F_GETFD) == -1);
  });
}

TEST_SUITE_END();
