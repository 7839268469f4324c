#include <weft/testing/run.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include <weft/context/stack.h>
#include <weft/loop/core.h>
#include <weft/task/task.h>

namespace weft::testing {

namespace {

using detail::LoopCore;

std::size_t open_descriptors() {
  std::error_code none;
  std::filesystem::directory_iterator it("/proc/self/fd", none);
  std::size_t count = 0;
  for (; !none && it != std::filesystem::directory_iterator(); it.increment(none)) ++count;
  return count;
}

std::string list_of(const std::vector<AnyTask>& tasks, const AnyTask* but) {
  std::string text;
  for (const AnyTask& task : tasks) {
    if (but && task == *but) continue;
    text += fmt::format("; task '{}'", task.name());
    if (!task.waits_for().empty()) text += fmt::format(" (in {})", task.waits_for());
  }
  return text;
}

/// What the loop holds when the body has ended.
std::string left_in_loop(LoopCore& loop, std::size_t outside_before) {
  const AnyTask self = current_task();
  std::string text = list_of(all_tasks(), &self);
  if (!loop.timers.empty()) text += fmt::format("; timers: {}", loop.timers.size());
  if (loop.outside != outside_before)
    text += fmt::format("; watched from outside: {}", loop.outside - outside_before);
  if (loop.watched != 0) text += fmt::format("; descriptors registered: {}", loop.watched);
  return text;
}

class Checked {
 public:
  std::string left;

  void main(const std::function<void()>& body) {
    LoopCore& loop = *detail::running_loop;
    const std::size_t outside = loop.outside;
    loop.owner->set_exception_handler([this](const ExceptionContext& context) {
      left +=
          fmt::format("; {} ({}): {}", context.message, context.name, describe(context.exception));
    });
    body();
    left += left_in_loop(loop, outside);
  }
};

}  // namespace

void run(const std::function<void()>& body) { run(RunOptions{}, body); }

void run(RunOptions options, const std::function<void()>& body) {
  const std::size_t stacks = stack_statistics().in_use;
  const std::size_t descriptors = open_descriptors();
  Checked checked;
  EventLoopOptions loop;
  loop.selector = std::move(options.selector);
  const bool owns_selector = loop.selector != nullptr;
  if (!options.real_time) {
    auto clock = std::make_unique<VirtualClock>();
    clock->set_idle_handler(
        [] { throw Deadlock("nothing can wake" + list_of(all_tasks(), nullptr)); });
    loop.clock = std::move(clock);
  }
  weft::run(std::move(loop), [&] { checked.main(body); });
  std::string left = std::move(checked.left);
  if (const std::size_t now = stack_statistics().in_use; now != stacks)
    left += fmt::format("; stacks: {}", static_cast<long>(now) - static_cast<long>(stacks));
  if (const std::size_t now = open_descriptors(); now != descriptors && !owns_selector)
    left += fmt::format("; open descriptors: {}",
                        static_cast<long>(now) - static_cast<long>(descriptors));
  if (!left.empty()) throw LeftOver("left over" + left);
}

namespace {

/// Those that settle at present: they do not wait for one another.
thread_local std::vector<const detail::Runnable*> settling;

class Settling {
 public:
  explicit Settling(const detail::Runnable* task) : task_(task) { settling.push_back(task); }
  Settling(const Settling&) = delete;
  Settling& operator=(const Settling&) = delete;
  ~Settling() { settling.erase(std::ranges::find(settling, task_)); }

 private:
  const detail::Runnable* task_;
};

bool others_are_blocked(const LoopCore& loop) {
  for (const detail::Runnable* it = loop.ready.front(); it; it = it->next)
    if (it != &loop.end_of_batch && std::ranges::find(settling, it) == settling.end()) return false;
  return true;
}

}  // namespace

void settle() {
  LoopCore& loop = detail::require_loop("settle");
  const detail::TaskBase* task = detail::current_task_base();
  if (!task) throw RuntimeError("settle: no task is running");
  const Settling here(task);
  constexpr int kQuietTurns = 2;
  for (int quiet = 0; quiet < kQuietTurns;) {
    loop.handled = LoopCore::kHandlesPerPoll;  // the next turn asks the system
    yield_now();
    quiet = others_are_blocked(loop) ? quiet + 1 : 0;
  }
}

int turns(const std::function<void()>& body) {
  detail::TaskBase* task = detail::current_task_base();
  if (!task) throw RuntimeError("turns: no task is running");
  const std::uint64_t before = task->steps;
  body();
  return static_cast<int>(task->steps - before);
}

}  // namespace weft::testing
