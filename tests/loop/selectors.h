// What the tests of the selectors share.
#pragma once

#include <memory>
#include <optional>
#include <system_error>

#include <sys/socket.h>

#include <doctest/doctest.h>

#include <weft/loop/selector.h>

#include "loops.h"

struct Best {
  static std::unique_ptr<weft::Selector> make() { return weft::make_selector(); }
};
struct Poll {
  static std::unique_ptr<weft::Selector> make() { return weft::make_poll_selector(); }
};

constexpr weft::Duration kNow = weft::Duration::zero();
constexpr weft::Events kHangup = weft::Events::Both | weft::Events::Hangup;

/// Both ends of a stream socket.
class Pair {
 public:
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    close_end(0);
    close_end(1);
  }
  void close_end(int which) {
    if (fd[which] != -1) ::close(fd[which]);
    fd[which] = -1;
  }
  int fd[2] = {-1, -1};
};

/// What select() says of the one descriptor that is registered with `data`.
inline weft::Events told(weft::Selector& selector, const void* data,
                         std::optional<weft::Duration> limit = kNow) {
  weft::Events events = weft::Events::None;
  for (const weft::Selector::Ready& one : selector.select(limit)) {
    CHECK(one.data == data);
    events = events | one.events;
  }
  return events;
}

template <class F>
int error_number_of(F&& f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

#define SELECTORS Best, Poll  // a third one is named here
