// A forked child has a copy of all loops, and shares with its parent what those have of the system:
// whoever went on with one would take away what has come for the parent, or unregister what it
// watches. So all of them are closed in the child, without a word to the system, and say why. It is
// done when the child begins, so nothing has to be asked while a loop runs.

#include "loop/fork.h"

#include <mutex>
#include <string>
#include <utility>

#include <pthread.h>

#include <weft/base/errors.h>
#include <weft/coro/unsuspendable.h>

#include "base/system.h"
#include "loop/signals.h"

namespace weft::detail {

namespace {

std::mutex loops_mutex;
LoopCore* loops = nullptr;  // all in the process, under the mutex

/// Of the thread that has forked: the loop that ran there is the parent's.
constinit bool lost_running_loop = false;

constexpr const char* kElsewhere = "the event loop belongs to another process";

/// Keeps the parent's, which must not be told anything.
class NoSelector final : public Selector {
 public:
  explicit NoSelector(std::unique_ptr<Selector> parents) noexcept : parents_(std::move(parents)) {}
  std::string_view name() const noexcept override { return parents_->name(); }
  void register_(int, Events, Trigger, void*) override { throw RuntimeError(kElsewhere); }
  void modify(int, Events) override { throw RuntimeError(kElsewhere); }
  void unregister(int) noexcept override {}
  void arm(int, Events) override { throw RuntimeError(kElsewhere); }
  std::span<const Ready> select(std::optional<Duration>) override {
    throw RuntimeError(kElsewhere);
  }
  void wake() noexcept override {}

 private:
  std::unique_ptr<Selector> parents_;
};

void leave_to_parent(LoopCore& loop) {
  const bool runs_here = &loop == running_loop;
  loop.closed = loop.elsewhere = true;
  loop.thread = std::thread::id();
  loop.selector = std::make_unique<NoSelector>(std::move(loop.selector));
  for (LinkedWatch *watch = loop.watches, *next = nullptr; watch; watch = next) {
    next = watch->next;
    if (watch->forked) watch->forked(watch);
  }
  if (runs_here)
    loop.escaped = std::make_exception_ptr(RuntimeError(kElsewhere));  // when it is come back to
  else
    loop.running = false;  // its thread is not there
}

/// What waits on this thread asks from now on whose loop it is.
void ask_at_waits() noexcept {
  static Unsuspendable nobody;
  for (const Unsuspendable* it = coro_thread.unsuspendable; it; it = it->outer)
    if (it == &nobody) return;
  nobody.outer = std::exchange(coro_thread.unsuspendable, &nobody);
}

void before_fork() { loops_mutex.lock(); }
void in_parent() { loops_mutex.unlock(); }

void in_child() {
  forget_signals();
  for (LoopCore* loop = loops; loop; loop = loop->next_loop) leave_to_parent(*loop);
  if (std::exchange(running_loop, nullptr)) {
    lost_running_loop = true;
    ask_at_waits();
  }
  loops_mutex.unlock();
}

}  // namespace

void guard_from_forks(LoopCore& loop) {
  static const int error = ::pthread_atfork(before_fork, in_parent, in_child);
  if (error != 0) raise_error(error, "pthread_atfork");
  const std::lock_guard lock(loops_mutex);
  loop.next_loop = std::exchange(loops, &loop);
  if (loop.next_loop) loop.next_loop->previous_loop = &loop;
}

void unguard_from_forks(LoopCore& loop) noexcept {
  const std::lock_guard lock(loops_mutex);
  (loop.previous_loop ? loop.previous_loop->next_loop : loops) = loop.next_loop;
  if (loop.next_loop) loop.next_loop->previous_loop = loop.previous_loop;
}

bool has_parents_tasks() noexcept { return lost_running_loop; }

void LoopCore::raise_closed() const {
  throw RuntimeError(elsewhere ? kElsewhere : "Event loop is closed");
}

void raise_no_running_loop(const char* call) {
  const std::string prefix = call ? std::string(call) + ": " : "";
  throw RuntimeError(prefix + (lost_running_loop ? kElsewhere : "no running event loop"));
}

}  // namespace weft::detail
