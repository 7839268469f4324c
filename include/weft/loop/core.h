// The inside of a loop, for the layers above it. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <weft/context/switch.h>
#include <weft/coro/async_routine.h>
#include <weft/loop/event_loop.h>

namespace weft::detail {

/// First in, first out. Invariant: `last->next` is null; `first` is null if empty.
class ReadyQueue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  Runnable* front() const noexcept { return first_; }

  [[gnu::always_inline]] void push(Runnable& runnable) noexcept {
    runnable.next = nullptr;
    if (first_)
      last_->next = &runnable;
    else
      first_ = &runnable;
    last_ = &runnable;
  }

  /// Requires: it is not empty.
  [[gnu::always_inline]] void push_behind(Runnable& runnable) noexcept {
    runnable.next = nullptr;
    last_->next = &runnable;
    last_ = &runnable;
  }

  [[gnu::always_inline]] Runnable* pop() noexcept {
    Runnable* runnable = first_;
    first_ = runnable->next;
    return runnable;
  }

  /// Takes time in proportion to the length. False if it is not there.
  bool remove(const Runnable& runnable) noexcept;

 private:
  Runnable* first_ = nullptr;
  Runnable* last_ = nullptr;
};

/// A 4-ary heap of timers, by deadline, then by insertion. Each knows its index, so cancelling
/// removes it at once and the node may live in the frame of who sleeps.
class TimerHeap {
 public:
  bool empty() const noexcept { return timers_.empty(); }
  std::size_t size() const noexcept { return timers_.size(); }
  TimePoint earliest() const noexcept { return timers_.front()->when; }
  Timer* first() const noexcept { return timers_.front(); }

  void insert(Timer& timer);
  void remove(Timer& timer) noexcept;

 private:
  void place(std::size_t index, Timer* timer) noexcept;
  void sift_up(std::size_t index) noexcept;
  void sift_down(std::size_t index) noexcept;

  std::vector<Timer*> timers_;
  std::uint64_t insertions_ = 0;
};

struct Routine;
struct SignalHandlers;
struct TaskBase;
struct EagerStart;

/// A descriptor's entry in the selector.
struct Watch {
  void (*ready)(Watch*, Events events);
};

/// One that the loop lets go of when it is closed.
struct LinkedWatch : Watch {
  void (*detach)(LinkedWatch*) noexcept = nullptr;
  void (*forked)(LinkedWatch*) noexcept = nullptr;  // in a forked child: it is the parent's
  LinkedWatch* previous = nullptr;
  LinkedWatch* next = nullptr;
};

/// How callbacks come to run with the variables of the code that scheduled them; the task layer's,
/// null until there is a context.
struct ContextHooks {
  void* (*capture)();
  void* (*enter)(void* context) noexcept;  // takes it over; gives what to leave() with
  void* (*leave)(void* before) noexcept;   // gives the context back
  void (*drop)(void* context) noexcept;
};
extern std::atomic<const ContextHooks*> context_hooks;

/// Where a callback is scheduled.
inline void capture_context(Callback& callback) {
  if (const ContextHooks* hooks = context_hooks.load(std::memory_order_acquire)) [[unlikely]]
    callback.context = hooks->capture();
}

/// What keeps itself alive until something happens that a closed loop does not bring about any
/// more.
struct Kept {
  void (*loop_closes)(Kept*) noexcept;  // must leave the list
  Kept* previous = nullptr;
  Kept* next = nullptr;
};

/// What a higher layer keeps with a loop; goes when the loop is closed.
struct Attachment {
  virtual ~Attachment() = default;
};

/// What EventLoop hides. Only the loop's thread touches it, but for the members marked shared.
/// Counted: futures may outlive their loop.
struct LoopCore {
  EventLoop* owner = nullptr;  // null once that has gone
  std::uint32_t references = 1;
  ReadyQueue ready;
  TimerHeap timers;
  Runnable end_of_batch;  // stands behind the last handle of the batch that is running
  int handled = 0;        // handles run since the last poll
  bool stopping = false;
  bool running = false;
  bool closed = false;
  bool debug = false;
  Duration slow_callback{};
  std::size_t outside = 0;         // waits for something that no task of this loop can bring about
  LinkedWatch* watches = nullptr;  // descriptors that the io layer has registered
  std::size_t watched = 0;         // their number
  TimePoint now{};                 // as of the last poll
  std::exception_ptr escaped;      // from a task, to leave run_forever()

  // The task layer's.
  Context context;                // the loop's own stack, while a task runs
  TaskBase* current = nullptr;    // the task that runs
  bool cancel_came_back = false;  // to a task that was passing it on
  EagerStart* eager = nullptr;    // the innermost task that runs inside its creation
  TaskBase* dead = nullptr;       // has ended: its stack is to be taken back
  TaskBase* tasks = nullptr;      // all that have not ended, in order of creation
  TaskBase* last_task = nullptr;
  Kept* kept = nullptr;
  void (*close_tasks)(LoopCore&) = nullptr;        // set with the first task
  std::unique_ptr<AsyncGeneratorHooks> asyncgens;  // the same

  std::unique_ptr<Attachment> io;                  // the io layer's
  std::vector<std::function<void()>> at_shutdown;  // in the order in which they came

  std::function<void(const ExceptionContext&)> exception_handler;
  std::unique_ptr<Selector> selector;
  std::unique_ptr<Clock> clock;

  std::atomic<std::thread::id>
      thread{};                    // shared: the one that runs it; none while it does not run
  bool late_wake = false;          // the next select() may end at once by a wake() of before
  bool elsewhere = false;          // the process that made it is this one's parent; also closed
  std::atomic<bool> woken{false};  // shared
  std::atomic<std::uint64_t> signals{0};  // shared: bit n - 1 for signal n
  std::mutex mutex;                       // shared
  std::vector<Callback*> from_threads;    // shared, under the mutex
  SignalHandlers* signal_handlers = nullptr;
  LoopCore* previous_loop = nullptr;  // in the process
  LoopCore* next_loop = nullptr;

  LoopCore() noexcept : end_of_batch(nullptr) {}
  LoopCore(const LoopCore&) = delete;
  LoopCore& operator=(const LoopCore&) = delete;
  virtual ~LoopCore() = default;

  /// A turn may go on with the next batch without asking the system.
  bool may_skip_poll() noexcept {
    if (handled < kHandlesPerPoll) [[likely]]
      return may_skip_poll_at_once();
    return !stopping && !woken.load(std::memory_order_relaxed) && has_nothing_to_ask();
  }

  /// The same without a call: it may be false in vain.
  bool may_skip_poll_at_once() const noexcept {
    return handled < kHandlesPerPoll && !stopping && !woken.load(std::memory_order_relaxed) &&
           (timers.empty() || timers.earliest() > now);
  }

  /// Without descriptors and timers a poll would tell nothing; this then counts as one.
  bool has_nothing_to_ask() noexcept;

  /// Throws: RuntimeError if it is closed, or belongs to another process.
  void check_open() const {
    if (closed) [[unlikely]]
      raise_closed();
  }
  void check_process() const {
    if (elsewhere) [[unlikely]]
      raise_closed();
  }
  [[noreturn]] void raise_closed() const;

  /// In debug mode. Throws: RuntimeError if another thread runs the loop.
  void check_thread() const;

  void add_watch(LinkedWatch& watch) noexcept;
  void remove_watch(LinkedWatch& watch) noexcept;

  void keep(Kept& one) noexcept;
  /// No effect if it is not kept.
  void forget(Kept& one) noexcept;

  void start_timer(Timer& timer, TimePoint when);
  /// From wherever it stands. No effect if it is nowhere.
  void stop_timer(Timer& timer) noexcept;

  /// Of a closed loop: what is ready or to come gives back what it holds.
  void drop_ready() noexcept;

  static constexpr int kHandlesPerPoll = 64;
};

inline void retain(LoopCore& loop) noexcept { ++loop.references; }
void release(LoopCore* loop) noexcept;

/// Tells the exception handler, or stderr if there is none.
void report(LoopCore& loop, const ExceptionContext& context) noexcept;

/// Throws: RuntimeError: "CALL: no running event loop", or that it belongs to another process.
[[noreturn]] void raise_no_running_loop(const char* call);

/// The loop that runs on this thread, or null.
extern constinit thread_local LoopCore* running_loop __attribute__((tls_model("initial-exec")));

}  // namespace weft::detail
