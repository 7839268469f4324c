#include "io/turns.h"

#include <cstdint>

#include <weft/task/sleep.h>
#include <weft/task/task_base.h>

namespace weft::detail {

namespace {

/// The calls of one step of one task.
struct Streak {
  std::uint32_t task = 0;  // its number: another one may come to lie in its place
  std::uint32_t step = 0;
  int calls = 0;
};

constinit thread_local Streak streak;

}  // namespace

void count_call() {
  TaskBase* task = current_task_base();
  if (!task) return;
  if (streak.task != task->number || streak.step != task->steps)
    streak = {task->number, task->steps, 0};
  if (++streak.calls <= kCallsPerTurn) return;
  // A coroutine that is driven by hand suspends to its driver, who has not asked for turns.
  if (task_at_the_door() == task) yield_now();
}

}  // namespace weft::detail
