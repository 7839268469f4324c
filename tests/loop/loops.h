// What the tests of the loop share.
#pragma once

#include <array>
#include <memory>
#include <string>

#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/loop/event_loop.h>
#include <weft/testing/log.h>
#include <weft/testing/virtual_clock.h>

#include "../errors.h"

#ifndef BEST_SELECTOR  // what make_selector() gives; the tests of kqueue set it
#define BEST_SELECTOR "epoll"
#endif

/// A loop on which time stands still while anything can run.
inline weft::EventLoopOptions virtual_time() {
  weft::EventLoopOptions options;
  options.clock = std::make_unique<weft::testing::VirtualClock>();
  return options;
}

/// Runs what is ready now, for `turns` turns.
inline void run_turns(weft::EventLoop& loop, int turns = 1) {
  for (; turns > 0; --turns) {
    loop.stop();
    loop.run_forever();
  }
}

/// What the exception handler of a loop was told.
class Told {
 public:
  explicit Told(weft::EventLoop& loop) {
    loop.set_exception_handler([this](const weft::ExceptionContext& context) {
      log(std::string(context.message) + ": " + weft::describe(context.exception));
    });
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

  weft::testing::Log log;
};

/// A pipe; both ends are closed at the end, unless that has been done.
class Pipe {
 public:
  Pipe() { REQUIRE(::pipe(ends_.data()) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_reader();
    close_writer();
  }

  int reader() const noexcept { return ends_[0]; }
  int writer() const noexcept { return ends_[1]; }
  void put(char byte = 'x') const { CHECK(::write(writer(), &byte, 1) == 1); }
  char take() const {
    char byte = 0;
    CHECK(::read(reader(), &byte, 1) == 1);
    return byte;
  }
  void close_reader() { close_end(ends_[0]); }
  void close_writer() { close_end(ends_[1]); }

 private:
  static void close_end(int& fd) {
    if (fd != -1) ::close(fd);
    fd = -1;
  }

  std::array<int, 2> ends_{-1, -1};
};
