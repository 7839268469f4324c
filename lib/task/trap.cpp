#include "task/trap.h"

#include <memory>
#include <optional>
#include <string>
#include <typeinfo>

#include <weft/base/errors.h>
#include <weft/task/task_base.h>

namespace weft::detail {

namespace {

/// A number as such, of other types the name.
std::string text_of(const void* value, const std::type_info& type) {
  if (type == typeid(int)) return std::to_string(*static_cast<const int*>(value));
  if (type == typeid(long)) return std::to_string(*static_cast<const long*>(value));
  return type_name(type);
}

}  // namespace

void* trap_in_task(Frame& frame, void* value, const Exchange* exchange) {
  TaskBase& task = *frame.home->root->task;
  if (*exchange->yielded == typeid(FutureBase*)) {
    FutureBase& future = **static_cast<FutureBase**>(value);
    retain(future);
    const std::unique_ptr<FutureBase, void (*)(FutureBase*)> kept(
        &future, [](FutureBase* it) { release(it); });
    wait_in_task(task, future);
    if (future.error) future.check_result();
    return nullptr;
  }
  if (*exchange->yielded != typeid(std::nullopt_t))
    task.step_error = std::make_exception_ptr(
        RuntimeError("Task got bad yield: " + text_of(value, *exchange->yielded)));
  task.make_ready();
  park(task, nullptr, "yield");
  return nullptr;
}

void wait_in_task(TaskBase& task, FutureBase& future) {
  const char* kind = future.task() ? "Task" : "Future";
  if (future.loop == task.future.loop && &future != &task.future) {
    future.add_callback(task);
    try {
      return park(task, &future, kind);
    } catch (...) {
      if (future.done()) future.unretrieved = false;  // woken by it, though to throw something else
      throw;
    }
  }
  task.step_error = std::make_exception_ptr(
      &future == &task.future
          ? RuntimeError("Task cannot await on itself")
          : RuntimeError(std::string("Task got ") + kind + " attached to a different loop"));
  task.make_ready();
  park(task, nullptr, "yield");
}

void trap_future(FutureBase* future) {
  Frame& frame = current_coroutine_frame("a wait outside a task: nothing here can be suspended");
  if (future)
    suspend_slowly(frame, static_cast<void*>(&future), &kExchange<FutureBase*, void>, true);
  else
    suspend_slowly(frame, nullptr, &kExchange<std::nullopt_t, void>, true);
}

}  // namespace weft::detail
