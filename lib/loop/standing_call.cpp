#include "loop/standing_call.h"

#include <memory>
#include <string>
#include <utility>

namespace weft::detail {

struct StandingCall::Call final : Callback {
  std::function<void()> function;
  const char* what;
  int number;
  bool queued = false;

  Call(std::function<void()> f, const char* w, int n)
      : function(std::move(f)), what(w), number(n) {}

  void invoke() override {
    queued = false;
    function();
  }
  std::string describe() const override { return std::string(what) + " " + std::to_string(number); }
};

void StandingCall::set(LoopCore& core, const char* what, int number,
                       std::function<void()> function) {
  auto call = std::make_unique<Call>(std::move(function), what, number);
  call->loop = &core;
  capture_context(*call);
  owner_.cancel();
  call_ = call.get();
  owner_ = Handle(call.release());
}

void StandingCall::clear() noexcept {
  owner_.cancel();
  owner_ = {};
  call_ = nullptr;
}

bool StandingCall::is_ready() const noexcept { return call_ && call_->queued; }

void StandingCall::make_ready() noexcept {
  if (!owner_ || call_->queued) return;
  call_->queued = true;
  retain(*call_);  // the queue's
  call_->loop->ready.push(*call_);
}

}  // namespace weft::detail
