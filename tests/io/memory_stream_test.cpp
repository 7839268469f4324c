#include <weft/io/memory_stream.h>

#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/task.h>

#include "../child.h"
#include "selectors.h"

using namespace weft;
using testing::settle;

TEST_SUITE_BEGIN("MemoryStream");

TEST_CASE("no more than its capacity is on its way") {
  testing::run([] {
    auto [a, b] = MemoryStream::pair(10);
    CHECK(a->write_some("0123456789abc") == 10);
    CHECK(b->readable() == 10);
    const auto writer = create_task([&a = a] { a->write_all("abcdef"); });
    settle();
    char four[4];
    CHECK(b->read_some(std::span<char>(four)) == 4);
    settle();
    CHECK(b->readable() == 10);
    CHECK_FALSE(writer.done());
    std::string rest(12, '\0');
    CHECK(b->read_some(std::span<char>(rest)) == 10);  // round the end of the ring
    CHECK(rest.substr(0, 10) == "456789abcd");
    writer.await();
  });
}

TEST_CASE("a capacity of none is refused by name") {
  CHECK(error_of([] { MemoryStream::pair(0); }) == "ValueError('capacity: it is 0')");
}

TEST_CASE("what is on its way when the connection is lost is gone") {
  testing::run([] {
    auto [a, b] = MemoryStream::pair();
    a->write_all("never read");
    a->reset();
    char byte[1];
    CHECK(errno_of([&b = b, &byte] { b->read_some(std::span<char>(byte)); }) == ECONNRESET);
    CHECK(errno_of([&b = b] { b->write_some("x"); }) == ECONNRESET);
  });
}

TEST_CASE("a stream may not go while a task waits on it") {
  const Ending ending = run_in_child([] {
    std::signal(SIGABRT, SIG_DFL);  // the test framework has a handler
    weft::run([] {
      auto [a, b] = MemoryStream::pair();
      const auto reader = create_task([&b = b] {
        char byte[1];
        b->read_some(std::span<char>(byte));
      });
      yield_now();
      b.reset();
    });
  });
  CHECK(ending.signal == SIGABRT);
  CHECK(contains(ending.errors, "a stream is destroyed while a task waits on it"));
}

TEST_SUITE_END();
