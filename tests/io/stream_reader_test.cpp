#include <weft/io/stream_reader.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/async_for.h>
#include <weft/io/memory_stream.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "../child.h"
#include "selectors.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle, testing::turns;

namespace {

/// A reader, and the other end of its stream.
struct Fixture {
  explicit Fixture(std::size_t limit = kStreamLimit, std::size_t capacity = 65536)
      : Fixture(MemoryStream::pair(capacity), limit) {}
  void feed(std::string_view data) const { peer->write_all(data); }
  void end() const { peer->shutdown_write(); }

  std::unique_ptr<MemoryStream> peer;
  std::shared_ptr<MemoryStream> near;
  StreamReader reader;

 private:
  using Ends = std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>>;
  Fixture(Ends ends, std::size_t limit)
      : peer(std::move(ends.first)), near(std::move(ends.second)), reader(near, limit) {}
};

const IncompleteReadError incomplete(const auto& call) {
  try {
    call();
  } catch (const IncompleteReadError& error) {
    return error;
  }
  return {"none was thrown", std::nullopt};
}

}  // namespace

TEST_SUITE_BEGIN("StreamReader");

TEST_CASE("read() gives what has come, no more than asked for, and waits only for the first byte") {
  testing::run([] {
    Fixture it;
    const auto task = create_task([&] { return it.reader.read(100); });
    settle();
    CHECK_FALSE(task.done());
    it.feed("hello");
    CHECK(task.await() == "hello");
    it.feed("abcdef");
    CHECK(it.reader.read(2) == "ab");
    CHECK(turns([&] { CHECK(it.reader.read(100) == "cdef"); }) == 0);
    CHECK(turns([&] { CHECK(it.reader.read(0).empty()); }) == 0);
    it.end();
    CHECK_FALSE(it.reader.at_eof());
    CHECK(it.reader.read(1).empty());
    CHECK(it.reader.at_eof());
  });
}

TEST_CASE("read_all() gives everything up to the end, whatever the limit") {
  testing::run([] {
    Fixture it(10, 1000);
    std::string data;
    for (int i = 0; i < 20000; ++i) data += std::to_string(i);
    const auto writer = create_task([&] {
      it.feed(data);
      it.end();
    });
    CHECK((it.reader.read_all() == data));
    CHECK(it.reader.read_all().empty());
  });
}

TEST_CASE("readexactly() waits for all of it, also beyond the limit") {
  testing::run([] {
    Fixture it(10);
    const auto task = create_task([&] { return it.reader.readexactly(12); });
    it.feed("01234");
    settle();
    CHECK_FALSE(task.done());
    it.feed("56789abcd");
    CHECK(task.await() == "0123456789ab");
    CHECK(it.reader.readexactly(0).empty());
    CHECK(it.reader.readexactly(2) == "cd");
  });
}

TEST_CASE("an end that comes too early says what has come, and what was expected") {
  testing::run([] {
    Fixture it;
    it.feed("abc");
    it.end();
    const IncompleteReadError error = incomplete([&] { it.reader.readexactly(10); });
    CHECK(error.partial() == "abc");
    CHECK(error.expected() == 10);
    CHECK(error.message() == "3 bytes read on a total of 10 expected bytes");
    const IncompleteReadError empty = incomplete([&] { it.reader.readuntil("\r\n"); });
    CHECK(empty.partial().empty());
    CHECK(empty.expected() == std::nullopt);
    CHECK(empty.message() == "0 bytes read on a total of undefined expected bytes");
  });
}

TEST_CASE("readline() gives a line with its end; the last one may lack it") {
  testing::run([] {
    Fixture it;
    it.feed("one\ntwo\n\nfour");
    CHECK(it.reader.readline() == "one\n");
    CHECK(turns([&] { CHECK(it.reader.readline() == "two\n"); }) == 0);
    CHECK(it.reader.readline() == "\n");
    const auto task = create_task([&] { return it.reader.readline(); });
    settle();
    CHECK_FALSE(task.done());
    it.end();
    CHECK(task.await() == "four");
    CHECK(it.reader.readline().empty());
  });
}

TEST_CASE("async_for() goes over the lines") {
  testing::run([] {
    Fixture it;
    it.feed("a\nb\nc");
    it.end();
    std::vector<std::string> lines;
    async_for(it.reader, [&](std::string line) { lines.push_back(std::move(line)); });
    CHECK(lines == std::vector<std::string>{"a\n", "b\n", "c"});
  });
}

TEST_CASE("readuntil() finds separators of several bytes, also when they come in parts") {
  testing::run([] {
    Fixture it;
    const auto task = create_task([&] { return it.reader.readuntil("\r\n\r\n"); });
    for (const char* part : {"head\r", "\n\r", "er\r\n", "\r", "\nbody"}) {
      it.feed(part);
      settle();
    }
    CHECK(task.await() == "head\r\n\rer\r\n\r\n");
    CHECK(it.reader.read(10) == "body");
    CHECK(error_of([&] { it.reader.readuntil(""); }) ==
          "ValueError('Separator should be at least one-byte string')");
  });
}

TEST_CASE("a limit that is overrun leaves all to be read, and says how much holds no separator") {
  testing::run([] {
    Fixture it(4);
    it.feed("01234567|");
    const auto overrun = [&](std::string_view separator) -> LimitOverrunError {
      try {
        it.reader.readuntil(separator);
      } catch (const LimitOverrunError& error) {
        return error;
      }
      return {"none", 0};
    };
    CHECK(overrun("|").message() == "Separator is found, but chunk is longer than limit");
    CHECK(overrun("|").consumed() == 8);
    CHECK(overrun("##").message() == "Separator is not found, and chunk exceed the limit");
    CHECK(overrun("##").consumed() == 8);  // the last byte may begin one
    CHECK(it.reader.readexactly(9) == "01234567|");
  });
}

TEST_CASE("exactly the limit before the separator is allowed") {
  testing::run([] {
    Fixture it(4);
    it.feed("0123\n01234\n0123\n");
    CHECK(it.reader.readline() == "0123\n");
    CHECK(error_of([&] { it.reader.readline(); }) ==
          "ValueError('Separator is found, but chunk is longer than limit')");
    CHECK(it.reader.readline() == "0123\n");  // the long one was dropped whole
    it.feed("0123456");
    CHECK(error_of([&] { it.reader.readline(); }) ==
          "ValueError('Separator is not found, and chunk exceed the limit')");
    it.feed("8\n");
    CHECK(it.reader.readline() == "8\n");  // what had come was dropped
  });
}

TEST_CASE("a second task that would wait is refused by the name of its call") {
  testing::run([] {
    Fixture it;
    const auto task = create_task([&] { return it.reader.readexactly(4); });
    settle();
    const auto refused = [](const std::string& call) {
      return "RuntimeError('" + call +
             "() called while another coroutine is already waiting for incoming data')";
    };
    CHECK(error_of([&] { it.reader.read(1); }) == refused("read"));
    CHECK(error_of([&] { it.reader.read_all(); }) == refused("read_all"));
    CHECK(error_of([&] { it.reader.readline(); }) == refused("readline"));
    CHECK(error_of([&] { it.reader.readuntil("x"); }) == refused("readuntil"));
    CHECK(error_of([&] { it.reader.readexactly(1); }) == refused("readexactly"));
    it.feed("done");
    CHECK(task.await() == "done");
  });
}

TEST_CASE("a cancelled call leaves what has come to the next one") {
  testing::run([] {
    Fixture it;
    it.feed("ab");
    const auto calls = {
        +[](StreamReader& reader) { reader.readexactly(100); },
        +[](StreamReader& reader) { reader.readline(); },
        +[](StreamReader& reader) { reader.readuntil("|"); },
        +[](StreamReader& reader) { reader.read_all(); },
    };
    for (const auto call : calls) {
      for (const bool woken : {false, true}) {
        const auto task = create_task([&] { call(it.reader); });
        settle();
        if (woken) it.feed("x");  // on its way when the task is cancelled
        task.cancel();
        settle();
        CHECK(task.cancelled());
      }
    }
    CHECK(it.reader.readexactly(6) == "abxxxx");
    CHECK_THROWS_AS(timeout(1s, [&] { it.reader.read(1); }), TimeoutError);
  });
}

TEST_CASE("while nobody waits nothing is read, so the sender is held up") {
  testing::run([] {
    Fixture it(kStreamLimit, 1000);
    const auto writer = create_task([&] { it.feed(std::string(100'000, 'x')); });
    CHECK(it.reader.read(10).size() == 10);
    settle();
    CHECK_FALSE(writer.done());
    CHECK(it.near->readable() == 1000);
    it.end();
    writer.cancel();
    settle();
  });
}

TEST_CASE("an error of the stream is thrown by this call and all that follow") {
  testing::run([] {
    Fixture it;
    it.feed("partial");
    CHECK(it.reader.read(1) == "p");
    const auto task = create_task([&] { return errno_of([&] { it.reader.readline(); }); });
    settle();
    it.peer->reset();
    CHECK(task.await() == ECONNRESET);
    CHECK(errno_of([&] { it.reader.read(1); }) == ECONNRESET);
  });
}

TEST_CASE("a stream that this side closes is at its end") {
  testing::run([] {
    Fixture it;
    const auto task = create_task([&] { return it.reader.readline(); });
    settle();
    it.near->close();
    CHECK(task.await().empty());
    CHECK(it.reader.at_eof());
    CHECK(it.reader.read(5).empty());
  });
}

TEST_CASE("a reader may be moved while a task waits, but may not go") {
  testing::run([] {
    Fixture it;
    StreamReader* where = &it.reader;
    const auto task = create_task([&] { return where->readline(); });
    settle();
    StreamReader moved = std::move(it.reader);
    it.feed("line\n");
    CHECK(task.await() == "line\n");
    CHECK(&moved.stream() == it.near.get());
  });
  const Ending ending = run_in_child([] {
    std::signal(SIGABRT, SIG_DFL);  // the test framework has a handler
    weft::run([] {
      auto it = std::make_unique<Fixture>();
      const auto task = create_task([&] { it->reader.readline(); });
      yield_now();
      it.reset();
    });
  });
  CHECK(ending.signal == SIGABRT);
  CHECK(contains(ending.errors, "a StreamReader is destroyed while a task waits on it"));
}

TEST_CASE("arguments that make no sense are refused by name") {
  testing::run([] {
    const std::shared_ptr<MemoryStream> stream = MemoryStream::pair().first;
    CHECK(error_of([&] { StreamReader(stream, 0); }) == "ValueError('Limit cannot be <= 0')");
    CHECK(error_of([] { StreamReader(nullptr); }) == "ValueError('stream: there is none')");
  });
}

TEST_SUITE_END();
