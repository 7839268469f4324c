// How tasks are driven.
//
// A step runs from the loop's stack, or is handed on by the task before: a task that suspends takes
// the next task from the ready queue and switches straight to it. Callbacks run on the loop's own
// stack, and so does what follows the end of a batch, so the hand-over stops at both.

#include <weft/task/task.h>

#include <atomic>

#include <weft/base/errors.h>
#include <weft/coro/unsuspendable.h>

#include "base/assert.h"
#include "coro/chain.h"
#include "coro/drive.h"
#include "coro/suspension.h"
#include "loop/stopwatch.h"
#include "task/asyncgens.h"
#include "task/trap.h"

namespace weft::detail {

namespace {

void forget(TaskBase& task) noexcept {
  LoopCore& loop = task.loop();
  (task.previous_task ? task.previous_task->next_task : loop.tasks) = task.next_task;
  (task.next_task ? task.next_task->previous_task : loop.last_task) = task.previous_task;
}

void remember(TaskBase& task) noexcept {
  LoopCore& loop = task.loop();
  task.previous_task = loop.last_task;
  (loop.last_task ? loop.last_task->next_task : loop.tasks) = &task;
  loop.last_task = &task;
}

/// The coroutine has ended: so does the future. `error` is null if there is a result.
void conclude(TaskBase& task, std::exception_ptr error) {
  FutureBase& future = task.future;
  if (!error) {
    if (task.must_cancel)
      future.FutureBase::cancel(task.message());
    else
      future.finish();
    return;
  }
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    future.error_goes = true;
    task.cancel_message = nullptr;
    future.finish_cancelled(std::move(error));
  } catch (const KeyboardInterrupt&) {
    task.loop().escaped = error;
    future.fail(std::move(error));
  } catch (const SystemExit&) {
    task.loop().escaped = error;
    future.fail(std::move(error));
  } catch (...) {
    future.fail(std::move(error));
  }
}

/// Drops what the loop held of a task that has ended; on another stack than the task's.
void bury(TaskBase& task) noexcept {
  Routine* routine = std::exchange(task.routine, nullptr);
  retire_stack(*routine);
  routine->task = nullptr;
  release(routine);
  forget(task);
  release(&task.future);
}

void bury_the_dead(LoopCore& loop) noexcept {
  if (loop.dead) bury(*std::exchange(loop.dead, nullptr));
}

}  // namespace

/// A task whose first step runs on top of whoever creates it; in the creator's frame.
struct EagerStart {
  Context back;
  EagerStart* outer;
};

namespace {

/// Where the next step goes on: null if the step was over before it began.
struct Target {
  Routine* routine;
  bool fresh;
};

Target fail_at_once(TaskBase& task, std::exception_ptr error) {
  if (task.routine->state == State::Created) task.routine->state = State::Closed;
  conclude(task, std::move(error));
  bury(task);
  return {nullptr, false};
}

std::exception_ptr take_step_error(TaskBase& task) {
  std::exception_ptr error = std::exchange(task.step_error, nullptr);
  const Awaited* awaited = std::exchange(task.awaited, nullptr);
  if (!task.must_cancel) return error;
  task.must_cancel = false;
  if (awaited && awaited->throws_cancelled()) return error;  // it throws the first cancellation's
  return task.future.make_cancelled();
}

/// The routine is told what a yield has kept from it.
void end_yield(TaskBase& task) noexcept {
  task.run = &TaskBase::step;
  task.routine->running = false;
  task.routine->context = task.context;
}

/// Not in debug mode, where each step is measured.
void retargeted(Routine& root) noexcept {
  TaskBase& task = *root.task;
  task.direct = !root.target && root.references == 1 && !task.loop().debug;
}

/// From here on it is `task` that runs.
void make_current(TaskBase& task, Routine& target) noexcept {
  Routine& root = *task.routine;
  root.outer_drive = nullptr;
  coro_thread.drive = &root;
  task.loop().current = &task;
  hand_over(root, target);
}

Target prepare_step(TaskBase& task) {
  task.reason = nullptr;
  ++task.steps;
  if (is_yielded(task)) end_yield(task);
  if (task.direct && !task.step_error && !task.must_cancel) {  // it just goes on
    Routine& root = *task.routine;
    task.awaited = nullptr;
    root.received = nullptr;
    root.forwards = root.closing = false;
    make_current(task, root);
    return {&root, false};
  }
  std::exception_ptr error = take_step_error(task);
  Routine* root = task.routine;
  if (is_executing(*root)) return fail_at_once(task, already_executing(root->kind));
  if (root->state == State::Closed) return fail_at_once(task, cannot_reuse());
  const bool fresh = root->state == State::Created;
  if (fresh) {
    if (error) return fail_at_once(task, std::move(error));  // it never runs
    try {
      root = task.routine = &begin_alone(*root);
    } catch (...) {
      return fail_at_once(task, std::current_exception());
    }
    retargeted(*root);
  }
  root->forwards = error != nullptr;
  root->closing = false;
  if (error) root->serial = ++coro_thread.serials;
  Routine& target =
      fresh ? *root : deliver(*root, *root, error ? Mode::Throw : Mode::Send, nullptr, error);
  make_current(task, target);
  return {&target, fresh};
}

/// Gives the processor to the next ready task, or to the loop; or back to who has just made it.
void switch_away(LoopCore& loop, Context& from) {
  if (loop.eager) [[unlikely]]
    return switch_context(from, loop.eager->back);
  for (;;) {
    Runnable* next = loop.ready.front();
    if (next == &loop.end_of_batch && next->next && loop.may_skip_poll()) {
      loop.ready.push(*loop.ready.pop());  // the next batch
      continue;
    }
    if (!next || (next->run != &TaskBase::step && !is_yielded(*next))) break;
    loop.ready.pop();
    ++loop.handled;
    TaskBase& task = *static_cast<TaskBase*>(next);
    const Target target = prepare_step(task);
    if (!target.routine) {
      if (loop.escaped) break;
      continue;
    }
    if (&target.routine->context == &from || &task.context == &from) return;  // its own turn again
    return enter(from, *target.routine, target.fresh);
  }
  loop.current = nullptr;
  coro_thread.drive = nullptr;
  switch_context(from, loop.context);
}

/// Begins the next task in the place of one that has ended, on the same stack. False if that is to
/// be done by way of the loop.
bool begin_next(LoopCore& loop, TaskBase& ended) noexcept {
  Runnable* const next = loop.ready.front();
  if (loop.eager || loop.escaped || !next || next->run != &TaskBase::step) return false;
  if (ended.future.references == 1) return false;  // what is destroyed with it may do anything
  TaskBase& task = *static_cast<TaskBase*>(next);
  if (!task.routine || task.routine->state != State::Created || task.must_cancel || task.step_error)
    return false;
  Routine& place = *ended.routine;
  if (!begin_instead(place, *task.routine)) return false;
  ended.routine = nullptr;
  forget(ended);
  release(&ended.future);
  loop.ready.pop();
  ++loop.handled;
  ++task.steps;
  task.routine = &place;
  retargeted(place);
  make_current(task, place);
  return true;
}

void finished(Routine& root) {
  TaskBase& task = *root.task;
  LoopCore& loop = task.loop();
  conclude(task, std::exchange(root.error, nullptr));
  if (begin_next(loop, task)) return;
  loop.dead = &task;
  loop.current = nullptr;
  coro_thread.drive = nullptr;
  leave_context(loop.eager ? loop.eager->back : loop.context);
}

constexpr LoopDriver kDriver{trap_in_task, finished, retargeted};

void close_tasks(LoopCore& loop) {
  for (TaskBase* task = loop.tasks; task; task = task->next_task) {
    report(loop, {"Task was destroyed but it is pending!", nullptr, task->task_name()});
    if (task->routine && is_yielded(*task)) end_yield(*task);
    if (Routine* routine = std::exchange(task->routine, nullptr)) {
      routine->task = nullptr;  // from here on it is driven by hand, to be closed
      release(routine);
    }
  }
  loop.drop_ready();  // tasks stand there, and have woken others while they were closed
  while (loop.tasks) {
    TaskBase& task = *loop.tasks;
    forget(task);
    release(&task.future);
  }
}

std::uint32_t next_number() noexcept {
  static std::atomic<std::uint32_t> count{0};
  return ++count;
}

}  // namespace

LoopCore& loop_of(const TaskOptions& options) {
  if (!options.loop) return require_loop("create_task");
  LoopCore& loop = core_of(*options.loop);
  loop.check_process();
  return loop;
}

void TaskBase::start(Routine* body, void* result, TaskOptions&& options) {
  routine = body;
  body->result = result;
  body->task = this;
  loop_driver.store(&kDriver, std::memory_order_relaxed);
  body->label.kind = "task";
  body->label.remedy = "To raise it: create_task({.stack = {.size = BYTES}}, ...).";
  body->label.file = options.where.file;
  body->label.line = options.where.line;
  body->label.number = number = next_number();
  if (!options.name.empty()) rename(std::move(options.name));
  LoopCore& core = loop();
  if (core.debug) run = &TaskBase::step_in_debug;
  core.close_tasks = close_tasks;
  if (!core.asyncgens) look_after_asyncgens(core);
  variables = options.context ? options.context->data() : copy_of_present_context();
  retain(future);
  remember(*this);
  if (options.eager_start && running_loop == &core)
    start_eagerly();
  else
    make_ready();
}

void TaskBase::start_eagerly() {
  LoopCore& core = loop();
  EagerStart eager{{}, core.eager};
  TaskBase* const creator = core.current;
  Routine* const drive = coro_thread.drive;
  retain(future);  // it may end here
  ++pinned;
  core.eager = &eager;
  const Target target = prepare_step(*this);
  if (target.routine) enter(eager.back, *target.routine, target.fresh);
  core.eager = eager.outer;
  --pinned;
  core.current = creator;
  coro_thread.drive = drive;
  bury_the_dead(core);
  if (core.escaped) future.unretrieved = false;
  release(&future);
  if (!core.escaped) return;
  if (core.elsewhere) std::rethrow_exception(core.escaped);  // the creator must not go on, either
  std::rethrow_exception(std::exchange(core.escaped, nullptr));
}

void TaskBase::rename(std::string name) {
  given_name = std::make_unique<std::string>(std::move(name));
  if (routine) routine->label.name = given_name->c_str();
}

std::string TaskBase::task_name() const {
  return given_name ? *given_name : "Task-" + std::to_string(number);
}

std::size_t TaskBase::stack_used() const {
  return routine && routine->stack ? used_size(routine->stack) : 0;
}

CancelMessage TaskBase::message() const {
  return cancel_message ? CancelMessage(*cancel_message) : CancelMessage();
}

void TaskBase::step(Runnable* self) {
  auto& task = *static_cast<TaskBase*>(self);
  LoopCore& loop = task.loop();
  if (loop.closed) return;
  const Target target = prepare_step(task);
  if (target.routine) enter(loop.context, *target.routine, target.fresh);
  bury_the_dead(loop);
}

/// Not the function that is handed over to: each step goes by way of the loop, which measures it.
void TaskBase::step_in_debug(Runnable* self) {
  auto& task = *static_cast<TaskBase*>(self);
  SourceLocation where;
  if (task.routine) where = {task.routine->label.file, task.routine->label.line};
  retain(task.future);
  const Stopwatch watch(task.loop());
  step(self);
  if (watch.was_slow()) {
    const std::string name = task.task_name();
    watch.report("Task '" + name + "'" + created_at(where), name);
  }
  release(&task.future);
}

void TaskBase::yielded_step(Runnable* self) { step(self); }

int TaskBase::take_cancel_back() noexcept {
  if (cancel_requests > 0) --cancel_requests;
  return cancel_requests;
}

int TaskBase::withdraw_cancel() noexcept {
  if (take_cancel_back() == 0) must_cancel = false;
  return cancel_requests;
}

bool TaskBase::request_cancel(const CancelMessage& message) {
  loop().check_thread();
  future.unretrieved = false;
  if (future.done()) return false;
  if (passes_cancel_on) {  // tasks that wait for one another: the one that asks here is let go
    loop().cancel_came_back = true;
    return false;
  }
  ++cancel_requests;
  if (awaited && pass_cancel_on(message)) return true;
  must_cancel = true;
  if (loop().current != this && is_yielded(*this)) end_yield(*this);
  cancel_message = message ? std::make_unique<std::string>(*message) : nullptr;
  return true;
}

bool TaskBase::pass_cancel_on(const CancelMessage& message) {
  loop().cancel_came_back = false;
  passes_cancel_on = true;
  const bool passed = awaited->cancel_wait(message);
  passes_cancel_on = false;
  if (!passed && loop().cancel_came_back && awaited->withdraw(*this)) make_ready();
  return passed;
}

TaskBase* task_at_the_door() {
  Routine* drive = coro_thread.drive;
  while (drive && !may_wait(drive->kind)) drive = drive->outer_drive;
  if (!drive) throw RuntimeError("a wait outside a task: nothing here can be suspended");
  if (coro_thread.unsuspendable) [[unlikely]] {
    if (drive->task) drive->task->loop().check_process();
    check_may_suspend(*drive);
  }
  return drive->task;
}

void park(TaskBase& task, Awaited* awaited, const char* reason) {
  if (is_yielded(task)) task.run = &TaskBase::step;
  task.awaited = awaited;
  task.reason = reason;
  if (awaited && task.must_cancel && awaited->cancel_wait(task.message())) task.must_cancel = false;
  Frame& frame = *leaf_of(*task.routine).top;
  frame.home->exchange = nullptr;  // a hand that resumes it may send anything
  struct Leave {
    TaskBase& task;
    Awaited* awaited;
    Routine& home;
    ~Leave() {
      if (home.root == task.routine) return;
      // Somebody else drove the coroutine on: the task goes on too, and finds it elsewhere.
      task.awaited = nullptr;
      if (awaited && awaited->withdraw(task) && task.routine) task.make_ready();
    }
  } const leave{task, awaited, *frame.home};
  Suspension suspension(frame, true);
  switch_away(task.loop(), suspension.context());
  suspension.resumed();
}

void yield_slowly(TaskBase* task) {
  if (task) {
    LoopCore& loop = task->loop();
    if (loop.ready.front() == &loop.end_of_batch && loop.may_skip_poll())
      loop.ready.push(*loop.ready.pop());  // the next batch
    if (is_yielded(*loop.ready.front())) return run_yielded(loop, *task);
    switch_away(loop, task->context);
    take_mail();
  } else if (TaskBase* hand_driven = task_at_the_door()) {
    hand_driven->make_ready();
    park(*hand_driven, nullptr, "yield");
  } else {
    trap_future(nullptr);
  }
}

void take_mail() {
  Routine& routine = *coro_thread.drive;  // the yield was its own body's
  if (routine.thrown) std::rethrow_exception(std::exchange(routine.thrown, nullptr));
}

}  // namespace weft::detail
