#include <weft/task/shutdown_asyncgens.h>

#include <utility>

#include <weft/base/errors.h>
#include <weft/coro/async_generator.h>
#include <weft/task/gather.h>
#include <weft/task/task.h>

#include "task/asyncgens.h"

namespace weft {

namespace detail {

namespace {

/// As with a task of the aclose() itself, a cancellation before the first step is raised in the
/// generator's body: so this coroutine has begun already when the task is made.
Task<> close_in_task(const AnyAsyncGenerator& generator) {
  Coroutine<> closing([generator] {
    AsyncRequest request(generator.routine(), AsyncRequest::Verb::Close);
    std::exception_ptr error;
    try {
      trap(std::nullopt);
    } catch (const GeneratorExit&) {
      throw;
    } catch (...) {
      error = std::current_exception();
    }
    request.await({}, std::move(error));
  });
  closing.send();
  return create_task({.where = {}}, std::move(closing));
}

class LoopHooks final : public AsyncGeneratorHooks {
 public:
  explicit LoopHooks(LoopCore& loop) noexcept : loop_(loop) {}

  void finalize(AnyAsyncGenerator generator) noexcept override {
    if (loop_.closed) return;
    loop_.owner->call_soon([generator] { close_in_task(generator); });
  }

 private:
  LoopCore& loop_;
};

void report_failure(EventLoop& loop, const Task<>& closing) {
  if (closing.cancelled()) return;
  std::exception_ptr error = closing.exception();
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception&) {
    loop.call_exception_handler({"an error occurred during closing of an asynchronous generator",
                                 std::move(error), closing.name()});
  } catch (...) {
  }
}

}  // namespace

void look_after_asyncgens(LoopCore& loop) {
  loop.asyncgens = std::make_unique<LoopHooks>(loop);
  if (loop.running) set_asyncgen_hooks(loop.asyncgens.get());
}

}  // namespace detail

void shutdown_asyncgens(EventLoop& loop) {
  detail::LoopCore& core = detail::core_of(loop);
  if (&detail::require_loop("shutdown_asyncgens") != &core)
    throw ValueError("loop: it is not the one that runs");
  if (!core.asyncgens) return;
  std::vector<Task<>> tasks;
  for (const AnyAsyncGenerator& generator : core.asyncgens->take_all())
    tasks.push_back(detail::close_in_task(generator));
  if (tasks.empty()) return;
  gather(return_exceptions, tasks);
  for (const Task<>& task : tasks) detail::report_failure(loop, task);
}

}  // namespace weft
