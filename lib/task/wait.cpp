#include <weft/task/wait.h>

#include <deque>
#include <memory>

#include <weft/base/errors.h>
#include <weft/task/listening.h>
#include <weft/task/wait_queue.h>

namespace weft::detail {

namespace {

/// What wait() listens with. It may outlive the wait, for callbacks that are on their way.
class SomeDone final : public Listening {
 public:
  SomeDone(Waiter& waiter, ReturnWhen mode) noexcept : waiter_(&waiter), mode_(mode) {}

  void start(LoopCore& loop, const std::vector<FutureBase*>& futures,
             std::optional<Duration> limit) {
    left_ = futures.size();
    if (limit) timer_ = loop.owner->call_later(*limit, [this] { waiter_->wake(); });
    for (FutureBase* future : futures) futures_.emplace_back(*future);
    listen(loop, futures);
  }

  /// The wait is over.
  void stop() noexcept {
    timer_.cancel();
    waiter_ = nullptr;
    leave();
    let_go();
  }

 private:
  void on_done(FutureBase& future) override {
    --left_;
    if (left_ > 0 && mode_ != ReturnWhen::FirstCompleted &&
        (mode_ == ReturnWhen::AllCompleted || future.is_cancelled() || !future.exception()))
      return;
    timer_.cancel();
    if (waiter_) waiter_->wake();
  }
  void hold() noexcept override { ++references_; }
  void let_go() noexcept override {
    if (--references_ == 0) delete this;
  }

  int references_ = 1;
  Waiter* waiter_;
  ReturnWhen mode_;
  std::size_t left_ = 0;
  Handle timer_;
  std::vector<AnyFuture> futures_;
};

}  // namespace

void wait_for_some(const std::vector<FutureBase*>& futures, ReturnWhen mode,
                   std::optional<Duration> limit) {
  if (futures.empty()) throw ValueError("Set of Tasks/Futures is empty.");
  LoopCore& loop = require_loop("wait");
  check_loop(futures, loop);
  Waiter waiter;
  struct Stop {
    SomeDone& listening;
    ~Stop() { listening.stop(); }
  } const stop{*new SomeDone(waiter, mode)};
  stop.listening.start(loop, futures, limit);
  waiter.wait({"wait", nullptr});
}

/// What as_completed() listens with. A null in the list stands for one that came too late.
class Completions final : public Listening {
 public:
  Completions(LoopCore& loop, const std::vector<FutureBase*>& futures,
              std::optional<Duration> limit)
      : left_(futures.size()) {
    for (FutureBase* future : futures) futures_.emplace_back(*future);
    listen(loop, futures);
    if (limit && !futures.empty()) timer_ = loop.owner->call_later(*limit, [this] { expire(); });
  }

  FutureBase& next() {
    while (ended_.empty()) waiting_.park("as_completed");
    FutureBase* future = ended_.front();
    ended_.pop_front();
    if (!future) throw TimeoutError();
    return *future;
  }

  void drop() noexcept {
    timer_.cancel();
    leave();
    let_go();
  }

 private:
  void on_done(FutureBase& future) override {
    if (left_ == 0) return;  // the limit was first
    if (--left_ == 0) timer_.cancel();
    tell(&future);
  }
  void expire() {
    leave();
    for (; left_ > 0; --left_) tell(nullptr);
  }
  void tell(FutureBase* future) {
    ended_.push_back(future);
    waiting_.wake_one();
  }
  void hold() noexcept override { ++references_; }
  void let_go() noexcept override {
    if (--references_ == 0) delete this;
  }

  int references_ = 1;
  std::size_t left_;
  std::deque<FutureBase*> ended_;
  WaitQueue waiting_;
  Handle timer_;
  std::vector<AnyFuture> futures_;
};

Completions* make_completions(const std::vector<FutureBase*>& futures,
                              std::optional<Duration> limit) {
  LoopCore& loop = require_loop("as_completed");
  check_loop(futures, loop);
  return new Completions(loop, futures, limit);
}

void drop_completions(Completions* completions) noexcept { completions->drop(); }

FutureBase& next_completion(Completions& completions) { return completions.next(); }

void cancel_and_wait(FutureBase& future) {
  struct Wake : Runnable {
    FutureBase& future;
    Waiter waiter;
    explicit Wake(FutureBase& f) : Runnable(&Wake::run_wake), future(f) {
      future.add_callback(*this);
    }
    ~Wake() {
      if (!waiter.woken() && !future.remove_callback(*this)) future.loop->ready.remove(*this);
    }
    static void run_wake(Runnable* self) {
      auto& it = *static_cast<Wake*>(self);
      if (!it.future.loop->closed) it.waiter.wake();
    }
  } wake(future);
  future.cancel({});
  wake.waiter.wait({"wait_for", &future});
}

void raise_timeout(const FutureBase& cancelled) {
  TimeoutError late;
  late.set_cause(cancelled.error);
  throw late;
}

}  // namespace weft::detail
