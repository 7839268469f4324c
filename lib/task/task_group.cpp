#include <weft/task/task_group.h>

#include <utility>

#include <weft/base/errors.h>
#include <weft/base/exception_group.h>
#include <weft/task/wait_queue.h>

namespace weft {

using detail::FutureBase;

struct TaskGroup::Child : detail::Runnable {
  TaskGroup& group;
  FutureBase& task;
  Child* previous = nullptr;
  Child* next = nullptr;

  Child(TaskGroup& owner, FutureBase& future) noexcept
      : Runnable(&TaskGroup::child_done), group(owner), task(future) {
    retain(task);
    previous = group.last_;
    (group.last_ ? group.last_->next : group.first_) = this;
    group.last_ = this;
  }
  ~Child() {
    (previous ? previous->next : group.first_) = next;
    (next ? next->previous : group.last_) = previous;
    release(&task);
  }
};

/// The wait for the last task, in the frame of leave().
class TaskGroup::Completion : public detail::Waiter {
 public:
  explicit Completion(TaskGroup& group) noexcept : group_(group) { group.completion_ = this; }
  ~Completion() override { group_.completion_ = nullptr; }

 private:
  TaskGroup& group_;
};

TaskGroup::~TaskGroup() {
  for (Child* child = first_; child;) {
    if (!child->task.remove_callback(*child)) child->task.loop->ready.remove(*child);
    delete std::exchange(child, child->next);
  }
}

void TaskGroup::check_open() const {
  if (!entered_) throw RuntimeError("TaskGroup has not been entered");
  if (exiting_ && !first_) throw RuntimeError("TaskGroup is finished");
  if (aborting_) throw RuntimeError("TaskGroup is shutting down");
}

void TaskGroup::adopt(FutureBase& task) { task.add_callback(*new Child(*this, task)); }

void TaskGroup::enter() {
  if (entered_) throw RuntimeError("TaskGroup has already been entered");
  if (!detail::current_task_base())
    throw RuntimeError("TaskGroup cannot determine the parent task");
  entered_ = true;
  parent_ = current_task();
  if (aborting_) cancel_parent();
}

void TaskGroup::cancel() {
  if (entered_ && !exiting_ && !parent_cancelled_) cancel_parent();
  cancel_tasks();
}

void TaskGroup::cancel_parent() {
  parent_cancelled_ = true;
  parent_->cancel();
}

void TaskGroup::cancel_tasks() {
  aborting_ = true;
  for (Child* child = first_; child; child = child->next) child->task.cancel({});
}

void TaskGroup::leave(std::exception_ptr error) {
  exiting_ = true;
  if (error) note_base_error(error);
  const bool body_cancelled = error && detail::is_kind<CancelledError>(error);
  std::exception_ptr cancelled = body_cancelled ? error : nullptr;
  if (parent_cancelled_ && parent_->withdraw_cancel() == 0) cancelled = nullptr;
  if (error && !aborting_) cancel_tasks();
  wait_for_tasks(cancelled);
  if (base_error_) std::rethrow_exception(std::exchange(base_error_, nullptr));
  if (cancelled && errors_.empty()) std::rethrow_exception(std::move(cancelled));
  if (error && !body_cancelled) errors_.push_back(std::move(error));
  if (!errors_.empty())
    std::rethrow_exception(
        make_exception_group("unhandled errors in a TaskGroup", std::exchange(errors_, {})));
}

void TaskGroup::wait_for_tasks(std::exception_ptr& cancelled) {
  while (first_) {  // the wait may be cancelled more than once
    Completion completion(*this);
    try {
      completion.wait({"TaskGroup", this});
    } catch (const CancelledError&) {
      if (aborting_) continue;
      cancelled = std::current_exception();
      cancel_tasks();
    }
  }
}

void TaskGroup::child_done(detail::Runnable* self) {
  auto* child = static_cast<Child*>(self);
  TaskGroup& group = child->group;
  FutureBase& task = child->task;
  retain(task);
  delete child;
  if (!task.loop->closed) group.task_done(task);
  release(&task);
}

void TaskGroup::task_done(FutureBase& task) {
  if (completion_ && !first_) completion_->wake();
  if (task.state == detail::FutureState::Cancelled) return;
  const std::exception_ptr error = task.exception();
  if (!error) return;
  errors_.push_back(error);
  note_base_error(error);
  if (parent_->done()) {
    const std::string name = task.name();
    detail::report(*task.loop,
                   {"A task of a TaskGroup failed behind the end of its parent", error, name});
    return;
  }
  if (aborting_ || parent_cancelled_) return;
  cancel_tasks();
  cancel_parent();
}

void TaskGroup::note_base_error(const std::exception_ptr& error) {
  if (base_error_) return;
  if (detail::is_kind<KeyboardInterrupt>(error) || detail::is_kind<SystemExit>(error))
    base_error_ = error;
}

}  // namespace weft
