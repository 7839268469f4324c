#include <weft/io/stream_writer.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <weft/io/memory_stream.h>
#include <weft/task/task.h>

#include "selectors.h"

using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// A writer, and the other end of its stream, which takes 100 bytes until it is read.
struct Fixture {
  explicit Fixture(std::size_t capacity = 100) : Fixture(MemoryStream::pair(capacity)) {}
  std::string read(std::size_t most = 100'000) const {
    std::string data(most, '\0');
    data.resize(peer->read_some(std::span<char>(data)));
    return data;
  }
  std::string read_to_end() const {
    std::string all;
    for (std::string part; !(part = read()).empty();) all += part;
    return all;
  }

  std::unique_ptr<MemoryStream> peer;
  std::shared_ptr<MemoryStream> near;
  StreamWriter writer;

 private:
  using Ends = std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>>;
  explicit Fixture(Ends ends)
      : peer(std::move(ends.first)), near(std::move(ends.second)), writer(near) {}
};

}  // namespace

TEST_SUITE_BEGIN("StreamWriter");

TEST_CASE("write() gives the stream at once what it takes, without waiting") {
  testing::run([] {
    Fixture it;
    CHECK(turns([&] {
            it.writer.write("hello ");
            it.writer.write(std::as_bytes(std::span("world", 5)));
            it.writer.write("");
            it.writer.drain();
          }) == 0);
    CHECK(it.writer.buffered() == 0);
    CHECK(it.peer->readable() == 11);
    CHECK(it.read() == "hello world");
  });
}

TEST_CASE("what does not go is kept, and written in order as the stream takes it") {
  testing::run([] {
    Fixture it;
    std::string sent;
    for (int i = 0; i < 300; ++i) {
      const std::string piece = std::to_string(i) + ",";
      it.writer.write(piece);
      sent += piece;
      if (i % 50 == 0) settle();
    }
    CHECK(it.writer.buffered() == sent.size() - 100);
    std::string got;
    while (got.size() < sent.size()) got += it.read();
    CHECK(got == sent);
    CHECK(it.writer.buffered() == 0);
  });
}

TEST_CASE("writelines() writes several pieces") {
  testing::run([] {
    Fixture it;
    std::vector<std::string_view> pieces{"one ", "", "two ", std::string_view("three")};
    it.writer.writelines(pieces);
    CHECK(it.read() == "one two three");
    const std::string big(90, 'x');
    pieces = {big, big, big};
    it.writer.writelines(pieces);
    std::string got;
    while (got.size() < 270) got += it.read();
    CHECK(got == std::string(270, 'x'));
  });
}

TEST_CASE("drain() waits above the high mark, until the low one") {
  testing::run([] {
    Fixture it;
    it.writer.set_write_buffer_limits(400, 200);
    it.writer.write(std::string(500, 'a'));  // 100 went
    CHECK(turns([&] { it.writer.drain(); }) == 0);
    it.writer.write("b");
    Log log;
    const auto first = create_task([&] { it.writer.drain(), log("first"); });
    const auto second = create_task([&] { it.writer.drain(), log("second"); });
    settle();
    CHECK(log.empty());
    for (int i = 0; i < 2; ++i) it.read(), settle();
    CHECK(it.writer.buffered() == 201);
    CHECK(log.empty());
    it.read(1);
    settle();
    CHECK(log == Log{"first", "second"});
    while (it.writer.buffered() > 0) it.read(), settle();
  });
}

TEST_CASE("the marks are 64 KiB and a quarter of it, unless they are set; low is not above high") {
  testing::run([] {
    Fixture it;
    it.writer.write(std::string(100 + 65536, 'x'));
    CHECK(turns([&] { it.writer.drain(); }) == 0);
    it.writer.write("x");
    const auto task = create_task([&] { it.writer.drain(); });
    settle();
    CHECK_FALSE(task.done());
    while (it.writer.buffered() > 16384) {
      CHECK_FALSE(task.done());
      it.read();
      settle();
    }
    CHECK(task.done());
    it.writer.abort();
    settle();
    CHECK(error_of([&] { it.writer.set_write_buffer_limits(1, 2); }) ==
          "ValueError('high (1) must be >= low (2) must be >= 0')");
  });
}

TEST_CASE("a slow reader bounds what a writer that drains holds") {
  testing::run([] {
    Fixture it;
    it.writer.set_write_buffer_limits(1000);
    std::size_t most = 0;
    const auto producer = create_task([&] {
      for (int i = 0; i < 1000; ++i) {
        it.writer.write(std::string(100, 'x'));
        most = std::max(most, it.writer.buffered());
        it.writer.drain();
      }
      it.writer.close();
    });
    CHECK(it.read_to_end().size() == 100'000);
    CHECK(most <= 1100);
    producer.await();
  });
}

TEST_CASE("a cancelled drain() loses nothing of what is buffered") {
  testing::run([] {
    Fixture it;
    it.writer.set_write_buffer_limits(0);
    it.writer.write(std::string(150, 'x'));
    const auto task = create_task([&] { it.writer.drain(); });
    settle();
    task.cancel();
    settle();
    CHECK(task.cancelled());
    CHECK(it.read().size() == 100);
    CHECK(it.read().size() == 50);
  });
}

TEST_CASE("write_eof() comes behind what is buffered, and this side can still read") {
  testing::run([] {
    Fixture it;
    CHECK(it.writer.can_write_eof());
    it.writer.write(std::string(250, 'x'));
    it.writer.write_eof();
    it.writer.write_eof();  // no effect
    CHECK(error_of([&] { it.writer.write("x"); }) ==
          "RuntimeError('Cannot call write() after write_eof()')");
    CHECK(it.read_to_end().size() == 250);
    it.peer->write_all("answer");
    char answer[6];
    CHECK(it.near->read_some(std::span<char>(answer)) == 6);
    CHECK_FALSE(it.writer.is_closing());
  });
}

TEST_CASE("close() comes behind what is buffered; wait_closed() waits for it") {
  testing::run([] {
    Fixture it;
    it.writer.write(std::string(250, 'x'));
    it.writer.close();
    CHECK(it.writer.is_closing());
    CHECK_FALSE(it.near->closed());
    const auto task = create_task([&] { it.writer.wait_closed(); });
    settle();
    CHECK_FALSE(task.done());
    CHECK(it.read_to_end().size() == 250);
    task.await();
    CHECK(it.near->closed());
    it.writer.close();  // no effect
  });
}

TEST_CASE("with nothing buffered close() closes at once") {
  testing::run([] {
    Fixture it;
    it.writer.close();
    CHECK(it.near->closed());
    CHECK(turns([&] { it.writer.wait_closed(); }) == 0);
  });
}

TEST_CASE("a writer that goes closes its stream, behind what is buffered") {
  testing::run([] {
    auto [near, peer] = MemoryStream::pair(10);
    const std::shared_ptr<MemoryStream> stream = std::move(near);
    {
      StreamWriter(stream).write("0123456789abcdef");
    }
    CHECK_FALSE(stream->closed());
    std::string got(16, '\0');
    peer->read_some(std::span<char>(got));
    settle();
    CHECK(stream->closed());
    CHECK(peer->readable() == 6);
  });
}

TEST_CASE("after close() write() and drain() say that the connection is lost") {
  testing::run([] {
    Fixture it;
    it.writer.close();
    CHECK(errno_of([&] { it.writer.write("x"); }) == ECONNRESET);
    CHECK(contains(error_of([&] { it.writer.write("x"); }), "write: Connection lost"));
    CHECK(turns([&] { CHECK(errno_of([&] { it.writer.drain(); }) == ECONNRESET); }) == 1);
  });
}

TEST_CASE("abort() drops what is buffered, and wakes who drains") {
  testing::run([] {
    Fixture it;
    for (const bool begun : {true, false}) {
      Fixture one;
      one.writer.set_write_buffer_limits(0);
      one.writer.write(std::string(250, 'x'));
      if (begun) settle();
      const auto task = create_task([&] { return errno_of([&] { one.writer.drain(); }); });
      if (begun) settle();
      one.writer.abort();
      one.writer.wait_closed();
      CHECK(task.await() == ECONNRESET);
      CHECK(one.near->closed());
      CHECK(one.read_to_end().size() == 100);
    }
  });
}

TEST_CASE("an error comes to the next call, and to all that follow; nothing is kept any more") {
  testing::run([] {
    Fixture it;
    it.peer->close();
    CHECK_NOTHROW(it.writer.write("x"));
    CHECK(errno_of([&] { it.writer.drain(); }) == EPIPE);
    CHECK(errno_of([&] { it.writer.write("x"); }) == EPIPE);
    CHECK(it.writer.buffered() == 0);
    it.writer.close();
    CHECK(errno_of([&] { it.writer.wait_closed(); }) == EPIPE);
  });
}

TEST_CASE("an error that comes late wakes who drains") {
  testing::run([] {
    Fixture it;
    it.writer.set_write_buffer_limits(0);
    it.writer.write(std::string(250, 'x'));
    const auto task = create_task([&] { return errno_of([&] { it.writer.drain(); }); });
    settle();
    it.peer->reset();
    CHECK(task.await() == ECONNRESET);
    CHECK(it.writer.buffered() == 0);
    CHECK(errno_of([&] { it.writer.write("x"); }) == ECONNRESET);
  });
}

TEST_CASE("a loop that ends drops what is buffered, and no call waits for ever") {
  weft::run([] {
    Fixture it;
    it.writer.set_write_buffer_limits(0);
    const auto task = create_task([&] {
      try {
        yield_now();
        yield_now();
      } catch (const CancelledError&) {
        CHECK(errno_of([&] { it.writer.drain(); }) == ECONNRESET);
        throw;
      }
    });
    it.writer.write(std::string(250, 'x'));
    yield_now();
    for (const AnyTask& each : all_tasks())
      if (each != current_task()) each.cancel();  // as run() does
    yield_now();
    yield_now();
    CHECK(task.cancelled());
    CHECK(it.near->closed());
  });
}

TEST_CASE("a loop that is closed closes the stream of a writer that still writes") {
  EventLoop loop;
  loop.set_exception_handler([](const ExceptionContext&) {});  // its task is pending
  std::optional<Fixture> it;
  run_until_complete(loop, create_task({.loop = &loop}, [&] {
                       it.emplace().writer.write(std::string(250, 'x'));
                       yield_now();
                     }));
  loop.close();
  CHECK(it->near->closed());
  CHECK(errno_of([&] { it->writer.write("more"); }) == ECONNRESET);
}

TEST_CASE("without a stream there is no writer") {
  CHECK(error_of([] { StreamWriter(nullptr); }) == "ValueError('stream: there is none')");
}

TEST_SUITE_END();
