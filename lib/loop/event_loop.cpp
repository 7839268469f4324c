#include <weft/loop/event_loop.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/coro/routine.h>
#include <weft/loop/core.h>

#include "base/assert.h"
#include "base/system.h"
#include "loop/descriptors.h"
#include "loop/fork.h"
#include "loop/signals.h"
#include "loop/stopwatch.h"

namespace weft {

namespace detail {

constinit thread_local LoopCore* running_loop __attribute__((tls_model("initial-exec"))) = nullptr;

}  // namespace detail

using detail::Callback;
using detail::LoopCore;
using detail::Runnable;
using detail::Timer;

struct EventLoop::State final : LoopCore {
  LoopCore& core = *this;
  detail::Descriptors descriptors{core};
  detail::SignalHandlers handlers;

  void run(const std::function<void()>& turns);
  void poll(Duration at_most = Duration::max());
  void take_from_threads();
  void take_signals();
  void run_batch();
};

namespace detail {

LoopCore& core_of(EventLoop& loop) noexcept { return loop.state_->core; }

void release(LoopCore* loop) noexcept {
  if (--loop->references == 0) delete loop;
}

bool LoopCore::has_nothing_to_ask() noexcept {
  if (watched != 0 || outside != 0 || !timers.empty()) return false;
  handled = 0;
  return true;
}

void LoopCore::drop_ready() noexcept {
  while (!timers.empty()) {
    Timer& timer = *timers.first();
    timers.remove(timer);
    ready.push(timer);
  }
  while (!ready.empty()) {
    Runnable* runnable = ready.pop();
    runnable->run(runnable);
  }
}

void report(LoopCore& loop, const ExceptionContext& context) noexcept {
  try {
    if (const auto handler = loop.exception_handler)
      return handler(context);  // it may go meanwhile
    const std::string name = context.name.empty() ? "" : fmt::format(" ('{}')", context.name);
    const std::string error = context.exception ? ": " + describe(context.exception) : "";
    fmt::print(stderr, "weft: {}{}{}\n", context.message, name, error);
  } catch (...) {
    report_unraisable(std::current_exception(), "in an exception handler");
  }
}

namespace {

class InContext {
 public:
  explicit InContext(Callback& callback) noexcept : callback_(callback) {
    if (const ContextHooks* hooks = context_hooks.load(std::memory_order_relaxed))
      before_ = hooks->enter(std::exchange(callback.context, nullptr));
  }
  InContext(const InContext&) = delete;
  InContext& operator=(const InContext&) = delete;
  ~InContext() {
    if (const ContextHooks* hooks = context_hooks.load(std::memory_order_relaxed))
      callback_.context = hooks->leave(before_);  // it may be called again
  }

 private:
  Callback& callback_;
  void* before_ = nullptr;  // also if the callback sets the first variable of all
};

}  // namespace

void Callback::run_callback(Runnable* self) {
  auto* callback = static_cast<Callback*>(self);
  struct Drop {
    Callback* callback;
    ~Drop() { release(callback); }
  } const drop{callback};
  if (callback->cancelled || callback->loop->closed) return;
  const Stopwatch watch(*callback->loop);
  const InContext in_context(*callback);
  try {
    callback->invoke();
  } catch (const KeyboardInterrupt&) {
    throw;
  } catch (const SystemExit&) {
    throw;
  } catch (...) {
    report(*callback->loop, {"Exception in callback", std::current_exception(), {}});
  }
  if (watch.was_slow()) watch.report(callback->describe());
}

std::string created_at(const SourceLocation& where) {
  return where.file ? fmt::format(" created at {}:{}", where.file, where.line) : "";
}

std::string Callback::describe() const { return "Handle" + created_at(where); }

void Stopwatch::report(const std::string& what, std::string_view name) const noexcept {
  const double seconds = std::chrono::duration<double>(taken()).count();
  detail::report(loop_,
                 {fmt::format("Executing <{}> took {:.3f} seconds", what, seconds), nullptr, name});
}

void LoopCore::check_thread() const {
  if (!debug) return;
  const std::thread::id runs = thread.load();
  if (runs != std::thread::id() && runs != std::this_thread::get_id())
    throw RuntimeError(
        "Non-thread-safe operation invoked on an event loop other than the current one");
}

}  // namespace detail

EventLoop::EventLoop(EventLoopOptions options) : state_(new State) {
  LoopCore& core = state_->core;
  core.owner = this;
  core.selector = options.selector ? std::move(options.selector) : make_selector();
  core.debug = options.debug;
  core.slow_callback = options.slow_callback;
  core.clock = options.clock ? std::move(options.clock) : std::make_unique<MonotonicClock>();
  core.signal_handlers = &state_->handlers;
  detail::guard_from_forks(core);
}

EventLoop::~EventLoop() {
  WEFT_ASSERT(!is_running());
  close();
  LoopCore& core = state_->core;
  detail::unguard_from_forks(core);
  core.owner = nullptr;
  core.exception_handler = nullptr;
  core.selector.reset();
  core.clock.reset();
}

void EventLoop::Release::operator()(State* state) const noexcept { detail::release(state); }

// ---- one turn

void EventLoop::State::poll(Duration at_most) {
  core.handled = 0;
  std::optional<TimePoint> deadline;
  if (!core.timers.empty()) deadline = core.timers.earliest();
  if (at_most != Duration::max()) {
    const TimePoint end = saturating_add(core.clock->now(), at_most);
    deadline = std::min(deadline.value_or(end), end);
  }
  const bool idle =
      at_most > Duration::zero() && core.ready.empty() && !core.stopping && !core.woken.load();
  const auto limit =
      idle ? core.clock->before_wait(deadline, core.outside > 0) : std::optional(Duration::zero());
  const auto events = core.selector->select(limit);
  const bool was_woken = core.woken.exchange(false);
  for (const Selector::Ready& one : events) {
    auto* watch = static_cast<detail::Watch*>(one.data);
    watch->ready(watch, one.events);
  }
  if (was_woken) {
    take_signals();
    take_from_threads();
  }
  // A thread's wake() may come between the select() and the taking of its callback.
  const bool woken_late = std::exchange(core.late_wake, was_woken);
  if (idle) core.clock->after_wait(deadline, was_woken || woken_late || !events.empty());
  core.now = core.clock->now();
  while (!core.timers.empty() && core.timers.earliest() <= core.now) {
    Timer& timer = *core.timers.first();
    core.timers.remove(timer);
    core.ready.push(timer);
  }
}

void EventLoop::State::take_from_threads() {
  std::vector<Callback*> callbacks;
  {
    const std::lock_guard lock(core.mutex);
    callbacks.swap(core.from_threads);
  }
  for (Callback* callback : callbacks) core.ready.push(*callback);
}

void EventLoop::State::take_signals() {
  std::uint64_t pending = core.signals.exchange(0);
  for (int signal = 1; pending; ++signal, pending >>= 1)
    if (pending & 1)
      if (auto it = handlers.find(signal); it != handlers.end()) it->second.make_ready();
}

void EventLoop::State::run_batch() {
  core.ready.push(core.end_of_batch);
  try {
    for (;;) {
      Runnable* runnable = core.ready.pop();
      if (runnable == &core.end_of_batch) {
        if (core.ready.empty() || !core.may_skip_poll()) return;
        core.ready.push(core.end_of_batch);  // the next batch
        continue;
      }
      ++core.handled;
      runnable->run(runnable);
      if (core.escaped) std::rethrow_exception(std::exchange(core.escaped, nullptr));
    }
  } catch (...) {
    core.ready.remove(core.end_of_batch);
    throw;
  }
}

void EventLoop::State::run(const std::function<void()>& turns) {
  core.check_open();
  if (core.running) throw RuntimeError("This event loop is already running");
  if (detail::running_loop)
    throw RuntimeError("Cannot run the event loop while another loop is running");
  detail::prepare_thread();
  struct Running {
    LoopCore& core;
    detail::Routine* drive;  // no callback may suspend a coroutine inside which the loop runs
    AsyncGeneratorHooks* hooks;
    explicit Running(LoopCore& c)
        : core(c),
          drive(std::exchange(detail::coro_thread.drive, nullptr)),
          hooks(set_asyncgen_hooks(c.asyncgens.get())) {
      core.running = true;
      core.thread = std::this_thread::get_id();
      detail::running_loop = &core;
    }
    ~Running() {
      core.running = core.stopping = false;
      core.thread = std::thread::id();
      detail::running_loop = nullptr;
      detail::coro_thread.drive = drive;
      set_asyncgen_hooks(hooks);
    }
  } const entered(core);
  turns();
}

void EventLoop::run_forever() {
  state_->run([this] {
    do {
      state_->poll();
      state_->run_batch();
    } while (!state_->stopping);
  });
}

bool EventLoop::run_once(Duration max_wait) {
  state_->run([&] {
    state_->poll(max_wait);
    state_->stopping = true;  // one batch
    state_->run_batch();
  });
  return state_->handled > 0;
}

std::optional<TimePoint> EventLoop::next_deadline() const noexcept {
  const LoopCore& core = state_->core;
  if (!core.ready.empty() || core.woken.load()) return time();
  if (core.timers.empty()) return std::nullopt;
  return core.timers.earliest();
}

int EventLoop::fileno() const noexcept { return state_->core.selector->fileno(); }

void EventLoop::stop() noexcept { state_->core.stopping = true; }

void EventLoop::close() {
  LoopCore& core = state_->core;
  if (core.running) throw RuntimeError("Cannot close a running event loop");
  if (core.elsewhere) return;
  {
    const std::lock_guard lock(core.mutex);
    if (std::exchange(core.closed, true)) return;
  }
  while (!state_->handlers.empty()) remove_signal_handler(state_->handlers.begin()->first);
  state_->descriptors.clear();
  if (core.close_tasks) core.close_tasks(core);
  while (core.watches) core.watches->detach(core.watches);
  while (core.kept) core.kept->loop_closes(core.kept);
  core.at_shutdown.clear();
  core.io.reset();
  state_->take_from_threads();
  core.drop_ready();
}

void EventLoop::at_shutdown(std::function<void()> function) {
  state_->core.check_open();
  state_->core.at_shutdown.push_back(std::move(function));
}

bool EventLoop::is_running() const noexcept { return state_->core.running; }
bool EventLoop::is_closed() const noexcept { return state_->core.closed; }
TimePoint EventLoop::time() const noexcept { return state_->core.clock->now(); }

// ---- callbacks

namespace {

/// One reference is the queue's, the other one the handle's.
Handle adopt(LoopCore& core, std::unique_ptr<Callback> callback, SourceLocation where) {
  core.check_open();
  core.check_thread();
  callback->loop = &core;
  callback->where = where;
  callback->references = 2;
  capture_context(*callback);
  return Handle(callback.release());
}

}  // namespace

Handle EventLoop::schedule(Callback* callback, SourceLocation where) {
  Handle handle = adopt(state_->core, std::unique_ptr<Callback>(callback), where);
  state_->core.ready.push(*callback);
  return handle;
}

Handle EventLoop::schedule_at(TimePoint when, Callback* callback, SourceLocation where) {
  Handle handle = adopt(state_->core, std::unique_ptr<Callback>(callback), where);
  state_->core.start_timer(*callback, when);
  return handle;
}

void EventLoop::schedule_from_thread(Callback* callback, SourceLocation where) {
  std::unique_ptr<Callback> owner(callback);
  detail::capture_context(*callback);
  LoopCore& core = state_->core;
  core.check_process();  // a thread that is not there may hold the mutex
  {
    const std::lock_guard lock(core.mutex);
    core.check_open();
    callback->loop = &core;
    callback->where = where;
    core.from_threads.push_back(owner.get());
    (void)owner.release();
    if (detail::running_loop != &core) {
      core.woken.store(true);
      core.selector->wake();
      return;
    }
  }
  state_->take_from_threads();  // its own thread: in the order of all the others
}

// ---- descriptors and signals

void EventLoop::add_reader(int fd, std::function<void()> function) {
  state_->descriptors.set(fd, Events::Readable, std::move(function));
}
bool EventLoop::remove_reader(int fd) { return state_->descriptors.unset(fd, Events::Readable); }
void EventLoop::add_writer(int fd, std::function<void()> function) {
  state_->descriptors.set(fd, Events::Writable, std::move(function));
}
bool EventLoop::remove_writer(int fd) { return state_->descriptors.unset(fd, Events::Writable); }

void EventLoop::add_signal_handler(int signal, std::function<void()> function) {
  detail::set_signal_handler(state_->core, signal, std::move(function));
}

bool EventLoop::remove_signal_handler(int signal) {
  return detail::drop_signal_handler(state_->core, signal);
}

// ---- exceptions

void EventLoop::set_exception_handler(std::function<void(const ExceptionContext&)> handler) {
  state_->core.exception_handler = std::move(handler);
}

void EventLoop::call_exception_handler(const ExceptionContext& context) noexcept {
  detail::report(state_->core, context);
}

EventLoop& get_running_loop() {
  if (!detail::running_loop) detail::raise_no_running_loop(nullptr);
  return *detail::running_loop->owner;
}

}  // namespace weft
