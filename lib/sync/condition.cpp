#include <weft/sync/condition.h>

#include <exception>

#include <weft/base/errors.h>
#include <weft/task/task_base.h>

namespace weft {

void Condition::wait() {
  if (!locked()) throw RuntimeError("cannot wait on un-acquired lock");
  detail::task_at_the_door();  // outside a task the lock has to stay as it is
  lock_.release();
  detail::Turn turn(waiters_);
  std::exception_ptr error;
  try {
    turn.wait("Condition.wait");
  } catch (...) {
    error = std::current_exception();
  }
  acquire_again(error);
  if (!error) return;
  if (turn.woken_alone()) waiters_.wake_one();
  std::rethrow_exception(std::move(error));
}

/// The caller of wait() will release the lock, come what may: so it has to be held. `error` becomes
/// the last one met.
void Condition::acquire_again(std::exception_ptr& error) {
  while (!lock_.try_lock()) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const GeneratorExit&) {
      ++lock_.forgiven_;  // a coroutine that is being closed cannot wait
      return;
    } catch (...) {
    }
    try {
      return lock_.acquire();
    } catch (...) {
      error = std::current_exception();
    }
  }
}

void Condition::notify(std::size_t count) {
  check_notifiable();
  while (count > 0 && waiters_.wake_one()) --count;
}

void Condition::notify_all() {
  check_notifiable();
  waiters_.wake_all();
}

void Condition::check_notifiable() const {
  if (!locked()) throw RuntimeError("cannot notify on un-acquired lock");
}

}  // namespace weft
