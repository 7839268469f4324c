#include <weft/task/run.h>

#include <csignal>
#include <memory>
#include <optional>
#include <thread>

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/task/gather.h>
#include <weft/task/shutdown_asyncgens.h>

namespace weft::detail {

namespace {

const std::thread::id first_thread = std::this_thread::get_id();

/// As inside the loop, for what has to be made before it runs.
class Entered {
 public:
  explicit Entered(LoopCore& loop) {
    if (running_loop) throw RuntimeError("run() cannot be called from a running event loop");
    running_loop = &loop;
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  ~Entered() { running_loop = nullptr; }
};

/// While it lives, the first Ctrl-C cancels `task`, or is noted if that is done.
class Interruptible {
 public:
  Interruptible(EventLoop& loop, FutureBase& task) : loop_(loop) {
    struct sigaction present{};
    if (std::this_thread::get_id() != first_thread || sigaction(SIGINT, nullptr, &present) != 0 ||
        present.sa_handler != SIG_DFL)
      return;
    installed_ = true;
    loop.add_signal_handler(SIGINT, [this, &task, held = mark_] {
      (task.done() ? late_ : interrupted_) = true;
      task.cancel({});
      remove();  // the next one kills
    });
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  ~Interruptible() { remove(); }
  bool interrupted() const noexcept { return interrupted_; }

  /// Ends it: the next Ctrl-C kills. True if one has come that `task` did not see.
  bool came_late() noexcept {
    remove();
    return late_;
  }

 private:
  void remove() noexcept {
    if (!std::exchange(installed_, false)) return;
    const bool mine = mark_.use_count() > 1;  // the loop may have been given another handler
    loop_.remove_signal_handler(SIGINT);
    const std::uint64_t pending = core_of(loop_).signals.load();  // after the loop's last look
    if (mine && !interrupted_ && pending & std::uint64_t{1} << (SIGINT - 1)) late_ = true;
  }

  EventLoop& loop_;
  std::shared_ptr<int> mark_ = std::make_shared<int>();  // held by the handler
  bool installed_ = false;
  bool interrupted_ = false;
  bool late_ = false;
};

}  // namespace

void run_until_done(LoopCore& loop, FutureBase& future) {
  struct Stop : Runnable {
    LoopCore& loop;
    explicit Stop(LoopCore& l) : Runnable(&Stop::run_stop), loop(l) {}
    static void run_stop(Runnable* self) { static_cast<Stop*>(self)->loop.owner->stop(); }
  } stop(loop);
  if (future.loop != &loop) throw ValueError("future: it belongs to another loop");
  struct Listen {  // whatever ends the run, the node must not stay behind
    FutureBase& future;
    Stop& stop;
    Listen(FutureBase& f, Stop& s) : future(f), stop(s) { future.add_callback(stop); }
    ~Listen() {
      if (!future.remove_callback(stop)) stop.loop.ready.remove(stop);
    }
  } const listen(future, stop);
  try {
    loop.owner->run_forever();
  } catch (...) {
    if (future.done()) future.unretrieved = false;  // as asyncio's callback has it
    throw;
  }
  if (future.done()) return;
  throw RuntimeError("Event loop stopped before Future completed.");
}

void RunScope::run_main(FutureBase& (*create)(void*), void* argument) {
  LoopCore& core = core_of(loop_);
  FutureBase* main = nullptr;
  {
    const Entered entered(core);
    main = &create(argument);
  }
  Interruptible ctrl_c(loop_, *main);
  run_until_done(core, *main);
  if (ctrl_c.came_late()) throw KeyboardInterrupt();
  if (ctrl_c.interrupted() && main->state == FutureState::Cancelled &&
      --main->task()->cancel_requests == 0)
    throw KeyboardInterrupt();
}

void RunScope::clear_up() {
  if (core_of(loop_).elsewhere) return;  // a forked child: what is left is its parent's
  cancel_all_tasks();
  close_generators();
  cancel_all_tasks();  // the generators may have made some
  call_at_shutdown();
}

void RunScope::close_generators() {
  LoopCore& core = core_of(loop_);
  if (!core.asyncgens || (core.asyncgens->empty() && core.ready.empty())) return;
  std::optional<Task<>> closing;
  {
    const Entered entered(core);
    closing = create_task({.where = {}}, [this] { shutdown_asyncgens(loop_); });
  }
  run_until_complete(loop_, *closing);
}

void RunScope::call_at_shutdown() {
  LoopCore& core = core_of(loop_);
  while (!core.at_shutdown.empty()) {
    std::optional<Task<>> task;
    {
      const Entered entered(core);
      task = create_task({.name = "shutdown", .where = {}}, std::move(core.at_shutdown.back()));
    }
    core.at_shutdown.pop_back();
    run_until_done(core, *Access::state(*task));
    if (task->cancelled()) continue;
    if (std::exception_ptr error = task->exception())
      loop_.call_exception_handler(
          {"unhandled exception during shutdown", std::move(error), task->name()});
  }
}

void RunScope::cancel_all_tasks() {
  LoopCore& core = core_of(loop_);
  const std::vector<AnyTask> tasks = all_tasks(loop_);
  if (tasks.empty()) return;
  for (const AnyTask& task : tasks) task.cancel();
  std::optional<Future<std::vector<weft::Outcome<>>>> all;
  {
    const Entered entered(core);
    all = gather_future(return_exceptions, tasks);
  }
  run_until_done(core, *Access::state(*all));
  for (const AnyTask& task : tasks)
    if (!task.cancelled())
      if (std::exception_ptr error = task.exception())
        loop_.call_exception_handler(
            {"unhandled exception during shutdown", std::move(error), task.name()});
}

}  // namespace weft::detail

namespace weft {

Runner::~Runner() {
  try {
    close();
  } catch (...) {
    detail::report_unraisable(std::current_exception(), "while closing a Runner");
  }
}

detail::RunScope& Runner::scope() {
  if (!scope_) throw RuntimeError("Runner is closed");
  return *scope_;
}

void Runner::close() {
  if (!scope_) return;
  struct Drop {
    std::optional<detail::RunScope>& scope;
    ~Drop() { scope.reset(); }
  } const drop{scope_};
  scope_->clear_up();
}

}  // namespace weft
