#include <vector>

#include <weft/base/errors.h>
#include <weft/task/task.h>

namespace weft {

AnyTask current_task() {
  detail::require_loop("current_task");
  if (!detail::current_task_base()) throw RuntimeError("current_task: no task is running");
  return AnyTask(*detail::current_task_base());
}

std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

std::vector<AnyTask> all_tasks(EventLoop& loop) {
  std::vector<AnyTask> tasks;
  for (detail::TaskBase* task = detail::core_of(loop).tasks; task; task = task->next_task)
    if (!task->future.done()) tasks.emplace_back(*task);
  return tasks;
}

}  // namespace weft
