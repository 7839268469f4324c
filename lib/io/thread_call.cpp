// A call passes through the hands of two threads. The loop's makes it and queues it; a thread of
// the pool takes it (Workers, under their mutex) and makes the call; its last act is to post the
// job, with a share of its ownership, to the loop (Mailbox, under the loop's mutex), which moves
// the result into the future. So no member is touched by both at once.

#include <weft/io/thread_call.h>

#include <weft/io/thread_pool.h>
#include <weft/io/to_thread.h>

#include "io/of_loop.h"
#include "io/outside_wait.h"
#include "io/workers.h"

namespace weft::detail {

ThreadCall::ThreadCall(const char* name, ThreadPool* pool)
    : name_(name), loop_(require_loop(name)) {
  workers_ = (pool ? *pool : default_pool()).workers();
  mailbox_ = io_of(loop_).mailbox;
}

void ThreadCall::start(FutureBase& future) {
  IoOfLoop& io = io_of(loop_);
  io.calls.insert(this);
  try {
    late_ = !workers_->enqueue(shared_from_this(), Workers::WhenFull::Queue);
  } catch (...) {
    io.calls.erase(this);
    throw;
  }
  future_ = &future;
  retain(future);
  ++loop_.outside;
}

void ThreadCall::wait_for_room() {
  if (!late_ || !future_) return;
  FutureBase& future = *future_;
  try {
    OutsideWait(room_, loop_).wait({name_, this});
  } catch (...) {
    future.cancel({});
    throw;
  }
}

bool ThreadCall::cancel(FutureBase& future, const CancelMessage& message, bool waits) {
  if (future.done()) return false;
  const bool taken_back = workers_->withdraw(*this);
  if (!taken_back && waits) return false;  // the task finds the cancellation when the call is over
  future.FutureBase::cancel(message);
  let_go();
  return true;
}

void ThreadCall::let_go() noexcept {
  if (!future_) return;
  io_of(loop_).calls.erase(this);
  drop();
}

void ThreadCall::drop() noexcept {
  --loop_.outside;
  release(std::exchange(future_, nullptr));
}

void ThreadCall::begun() noexcept {
  mailbox_->post([self = shared_from_this()] {
    if (self->room_) self->room_->wake();
  });
}

void ThreadCall::done(std::shared_ptr<Job> self) noexcept {
  mailbox_->post([this, owner = std::move(self)] { finish(); });
}

void ThreadCall::finish() {
  if (!future_) return;
  FutureBase& future = *future_;
  if (error_) {
    future.fail(std::exchange(error_, nullptr));
  } else {
    deliver(future);
    future.finish();
  }
  let_go();
}

ThreadCall::End::End(ThreadCall& call, bool waits) noexcept
    : call_(call.shared_from_this()), waits_(waits) {}

ThreadCall::End::~End() {
  const State state = call_->state();
  const bool ended = state == State::New || state == State::Done;
  if (!ended && !call_->workers_->withdraw(*call_) && waits_) call_->block_until_done();
  call_->let_go();
}

}  // namespace weft::detail
