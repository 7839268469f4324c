#include <weft/task/no_suspend.h>

#include <weft/task/task_base.h>

namespace weft {

NoSuspend::NoSuspend() {
  detail::Routine* drive = detail::coro_thread.drive;
  while (drive && !detail::may_wait(drive->kind)) drive = drive->outer_drive;
  if (!drive) return;
  scope_.routine = drive;
  scope_.outer = std::exchange(detail::coro_thread.unsuspendable, &scope_);
  if (drive->task) ++drive->task->pinned;
}

NoSuspend::~NoSuspend() {
  if (!scope_.routine) return;
  detail::Unsuspendable** link = &detail::coro_thread.unsuspendable;
  while (*link != &scope_) link = &(*link)->outer;
  *link = scope_.outer;
  if (scope_.routine->task) --scope_.routine->task->pinned;
}

}  // namespace weft
