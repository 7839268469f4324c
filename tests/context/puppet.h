// A context for tests.
#pragma once

#include <functional>
#include <utility>

#include <doctest/doctest.h>

#include <weft/context/stack.h>
#include <weft/context/switch.h>

/// A context that goes back and forth with whoever resumes it.
class Puppet {
 public:
  explicit Puppet(std::function<void(Puppet&)> body, const weft::StackOptions& options = {})
      : body_(std::move(body)), stack_(weft::detail::acquire_stack(options)) {}
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;
  ~Puppet() {
    CHECK(done_);
    weft::detail::release_stack(stack_);
  }

  bool done() const { return done_; }
  const weft::detail::Stack& stack() const { return stack_; }

  void resume() {
    if (std::exchange(started_, true))
      weft::detail::switch_context(back_, own_);
    else
      weft::detail::start_context(back_, stack_, run, this);
  }
  void pause() { weft::detail::switch_context(own_, back_); }

 private:
  static void run(void* argument) {
    Puppet& puppet = *static_cast<Puppet*>(argument);
    puppet.body_(puppet);
    puppet.done_ = true;
    weft::detail::leave_context(puppet.back_);
  }

  std::function<void(Puppet&)> body_;
  weft::detail::Stack stack_;
  weft::detail::Context own_;
  weft::detail::Context back_;
  bool started_ = false;
  bool done_ = false;
};
