// A program on an event loop, from its main to its end.

#include <algorithm>

#include <weft/task/gather.h>
#include <weft/task/run.h>
#include <weft/testing/virtual_clock.h>

#include "futures.h"

namespace conformance {

namespace {

class AsyncioRun {
 public:
  AsyncioRun(World& world, const Program& program)
      : world_(world), program_(program), loop_(make_loop()) {
    loop_.set_exception_handler([this](const weft::ExceptionContext& context) { tell(context); });
    world.loop = &loop_;
  }
  AsyncioRun(const AsyncioRun&) = delete;
  AsyncioRun& operator=(const AsyncioRun&) = delete;
  ~AsyncioRun() {
    world_.muted = true;
    clear();
    loop_.close();
    world_.loop = nullptr;
  }

  void run() {
    run_main(world_, program_);
    if (!cancel_tasks() || !shut_generators_down()) return;
    world_.muted = true;
    ended_ = true;
    clear();
    world_.muted = false;
    std::sort(late_.begin(), late_.end());
    for (const std::string& line : late_) world_.log(line);
  }

 private:
  weft::EventLoopOptions make_loop() {
    auto clock = std::make_unique<weft::testing::VirtualClock>();
    clock->set_idle_handler([this] { idle(); });
    weft::EventLoopOptions options;
    options.clock = std::move(clock);
    return options;
  }

  /// The clock asks once before the loop would wait for ever, and once behind.
  void idle() {
    idle_asked_ = !idle_asked_;
    if (!idle_asked_) return;
    world_.log("loop: idle");
    loop_.stop();
  }

  /// All tasks live to the end, so what a lost one has thrown is told there; those that are made
  /// inside weft have no variable to keep them.
  void tell(const weft::ExceptionContext& context) {
    std::string message(context.message);
    if (message.starts_with("an error occurred during closing"))
      message = "error closing asynchronous generator";
    std::string line = "loop: handler " + message;
    if (context.exception) line += " " + text(context.exception);
    const bool unkept =
        message.starts_with("Task exception") && context.name.find('-') != std::string_view::npos;
    if (ended_ || unkept)
      late_.push_back(line);
    else
      world_.log(line);
  }

  /// Those that have not ended, but for dropped ones.
  std::vector<weft::AnyTask> tasks_left() {
    std::vector<weft::AnyTask> tasks = weft::all_tasks(loop_);
    std::erase_if(tasks, is_given_up);
    return tasks;
  }

  bool stuck(const std::vector<weft::AnyTask>& tasks) {
    const auto count = std::count_if(tasks.begin(), tasks.end(),
                                     [](const weft::AnyTask& task) { return !task.done(); });
    if (count > 0) world_.log("main: stuck " + std::to_string(count));
    return count > 0;
  }

  bool cancel_tasks() {
    const std::vector<weft::AnyTask> tasks = tasks_left();
    if (tasks.empty()) return true;
    world_.log("main: shutdown cancels " + std::to_string(tasks.size()));
    for (const weft::AnyTask& task : tasks) task.cancel();
    const auto all = weft::gather_future(weft::return_exceptions, tasks);
    try {
      weft::run_until_complete(loop_, all);
    } catch (const weft::BaseException& error) {
      world_.log("main: shutdown -> raise " + text(error));
      if (!all.done()) all.cancel();
    }
    if (stuck(tasks)) return false;
    for (const weft::AnyTask& task : tasks)
      if (!task.cancelled())
        if (const std::exception_ptr error = task.exception())
          loop_.call_exception_handler({"unhandled exception during shutdown", error, task.name()});
    return true;
  }

  bool shut_generators_down() {
    try {
      close_generators(loop_);
    } catch (const weft::BaseException& error) {
      world_.log("main: shutdown -> raise " + text(error));
    }
    return !stuck(tasks_left());
  }

  void clear() {
    for (const std::string& name : world_.variables.names())
      if (world_.variables.find(name)) world_.variables.drop(name);
    world_.kept.clear();
  }

  World& world_;
  const Program& program_;
  bool idle_asked_ = false;
  bool ended_ = false;
  std::vector<std::string> late_;
  weft::EventLoop loop_;
};

}  // namespace

void run_asyncio(World& world, const Program& program) { AsyncioRun(world, program).run(); }

}  // namespace conformance
