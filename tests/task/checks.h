// What the tests of tasks share.
#pragma once

#include <memory>
#include <string>

#include <weft/base/errors.h>
#include <weft/loop/event_loop.h>
#include <weft/testing/log.h>
#include <weft/testing/virtual_clock.h>

#include "../errors.h"

/// Collects what the exception handler of the running loop is told, while it lives.
class Told {
 public:
  explicit Told(weft::EventLoop& loop = weft::get_running_loop()) : loop_(loop) {
    loop.set_exception_handler([this](const weft::ExceptionContext& context) {
      log(std::string(context.message) + ": " + weft::describe(context.exception));
    });
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  ~Told() { loop_.set_exception_handler(nullptr); }

  weft::testing::Log log;

 private:
  weft::EventLoop& loop_;
};

/// A loop on which time stands still while anything can run.
inline weft::EventLoopOptions virtual_time() {
  weft::EventLoopOptions options;
  options.clock = std::make_unique<weft::testing::VirtualClock>();
  return options;
}

/// Calls `f()` in a callback of `loop`, and runs the loop for some turns.
template <class F>
void in_loop(weft::EventLoop& loop, F&& f, int turns = 1) {
  loop.call_soon(f);
  for (; turns > 0; --turns) {
    loop.stop();
    loop.run_forever();
  }
}
