// What holds of every kind of ByteStream. A test names its kinds in STREAM_KINDS, and includes
// this.
//
// A kind has: make(), two ends that are connected; lose(end), which breaks the connection off;
// kAfterLoss, what the other end's read_some() says then: an errno, or 0 for the end of the stream;
// kWritesBehind, if the last of what an end has taken may need a turn to get out.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/io/byte_stream.h>
#include <weft/task/gather.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../io/selectors.h"

namespace contract {

using Stream = std::unique_ptr<weft::ByteStream>;

/// Bytes of which none can stand in another's place unnoticed.
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) byte = char((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

using Random = std::minstd_rand;

inline std::size_t up_to(Random& random, std::size_t most) {
  return std::uniform_int_distribution<std::size_t>(1, most)(random);
}

inline std::string read_some(weft::ByteStream& stream, std::size_t most = 65536) {
  std::string data(most, '\0');
  data.resize(stream.read_some(std::span<char>(data)));
  return data;
}

inline std::string read_exactly(weft::ByteStream& stream, std::size_t size) {
  std::string all;
  while (all.size() < size) {
    const std::string part = read_some(stream, size - all.size());
    if (part.empty()) break;
    all += part;
  }
  return all;
}

inline std::string read_to_end(weft::ByteStream& stream) {
  std::string all;
  for (std::string part; !(part = read_some(stream)).empty();) all += part;
  return all;
}

/// Writes until nothing more goes; returns what went.
inline std::string fill(weft::ByteStream& stream) {
  std::string all;
  for (const std::string_view piece : {"0123456789abcdefghijklmnopqrstuvwxyz-", "."})
    while (const std::size_t count = stream.try_write({&piece, 1})) all += piece.substr(0, count);
  return all;
}

inline void write_in_pieces(weft::ByteStream& stream, std::string_view data, Random random) {
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, up_to(random, 20'000));
    if (random() % 2) {
      const std::string_view two[] = {piece.substr(0, piece.size() / 2),
                                      piece.substr(piece.size() / 2)};
      stream.write_all(weft::Pieces(two));
      data.remove_prefix(piece.size());
    } else {
      const std::size_t written = stream.write_some(piece);
      CHECK((written >= 1 && written <= piece.size()));
      data.remove_prefix(written);
    }
  }
  stream.shutdown_write();
}

inline std::string read_in_pieces(weft::ByteStream& stream, Random random) {
  std::string all;
  for (;;) {
    const std::size_t most = up_to(random, 20'000);
    const std::string part = read_some(stream, most);
    CHECK(part.size() <= most);
    if (part.empty()) return all;
    all += part;
  }
}

}  // namespace contract

using namespace contract;  // NOLINT: a test's own

TEST_SUITE_BEGIN("ByteStream");

TEST_CASE_TEMPLATE("what one end writes the other one reads, both ways at once", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    const std::string there = pattern(300'000), back = pattern(200'001);
    const auto [at_b, at_a, w1, w2] = weft::gather([&] { return read_in_pieces(*b, Random(1)); },
                                                   [&] { return read_in_pieces(*a, Random(2)); },
                                                   [&] { write_in_pieces(*a, there, Random(3)); },
                                                   [&] { write_in_pieces(*b, back, Random(4)); });
    CHECK((at_b == there));
    CHECK((at_a == back));
  });
}

TEST_CASE_TEMPLATE("a read gives what is there, and waits only for the first byte", K,
                   STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    const auto reader = weft::create_task([&] { return read_some(*b); });
    weft::testing::settle();
    CHECK_FALSE(reader.done());
    a->write_all("abc");
    CHECK(reader.await() == "abc");
    a->write_all("defg");
    CHECK(read_some(*b, 2) == "de");
    CHECK(weft::testing::turns([&] { CHECK(read_some(*b) == "fg"); }) == 0);
  });
}

TEST_CASE_TEMPLATE("a stream takes so much and no more, until some is read", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    std::string sent = fill(*a);
    CHECK(sent.size() > 0);
    std::size_t more = 0;
    const auto writer = weft::create_task([&] { more = a->write_some(sent); });
    weft::testing::settle();
    CHECK_FALSE(writer.done());  // a slow reader holds it up
    std::string got;
    while (!writer.done()) {
      got += read_some(*b, 4096);
      weft::testing::settle();
    }
    CHECK(more >= 1);
    sent += sent.substr(0, more);
    got += read_exactly(*b, sent.size() - got.size());
    CHECK((got == sent));
  });
}

TEST_CASE_TEMPLATE("one direction ends, after what was written, and the other goes on", K,
                   STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    a->write_all("last words");
    CHECK(a->can_shutdown_write());
    a->shutdown_write();
    CHECK(read_to_end(*b) == "last words");
    CHECK(read_some(*b).empty());  // and again
    b->write_all("an answer");
    CHECK(read_exactly(*a, 9) == "an answer");
    CHECK(errno_of([&] { a->write_some("x"); }) == EPIPE);
  });
}

TEST_CASE_TEMPLATE("the end wakes a reader that waits", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    const auto reader = weft::create_task([&] { return read_some(*b); });
    weft::testing::settle();
    a->shutdown_write();
    CHECK(reader.await().empty());
  });
}

TEST_CASE_TEMPLATE("an end that is closed has written what it wrote, and reads no more", K,
                   STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    a->write_all("bye");
    a->close();
    CHECK(a->closed());
    CHECK(read_to_end(*b) == "bye");
    int error = 0;
    for (int i = 0; i < 100 && error == 0; ++i) error = errno_of([&] { b->write_some("x"); });
    CHECK((error == EPIPE || error == ECONNRESET));
  });
}

TEST_CASE_TEMPLATE("a connection that is lost is told to who waits", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    std::string got = "nothing";
    const auto reader = weft::create_task([&] { return errno_of([&] { got = read_some(*b); }); });
    weft::testing::settle();
    K::lose(*a);
    CHECK(reader.await() == K::kAfterLoss);
    if (K::kAfterLoss == 0) CHECK(got.empty());
  });
}

TEST_CASE_TEMPLATE("a writer that waits is told that nobody will read", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    fill(*a);
    const auto writer = weft::create_task([&] { return errno_of([&] { a->write_all("x"); }); });
    weft::testing::settle();
    K::lose(*b);
    const int error = writer.await();
    CHECK((error == EPIPE || error == ECONNRESET));
  });
}

TEST_CASE_TEMPLATE("a cancelled read takes nothing", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    for (const bool woken : {false, true}) {
      INFO("woken ", woken);
      const auto reader = weft::create_task([&] { return read_some(*b); });
      weft::testing::settle();
      if (woken) a->write_all("first ");
      reader.cancel();
      weft::testing::settle();
      CHECK(reader.cancelled());
      a->write_all("second ");
      CHECK(read_exactly(*b, woken ? 13 : 7) == (woken ? "first second " : "second "));
    }
  });
}

#include "stream_contract_misuse.h"

TEST_SUITE_END();
