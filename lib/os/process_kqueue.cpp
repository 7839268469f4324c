// Children on macOS and the BSDs: a kqueue for the end of each, which another one can watch.
#include <cstdint>

#include <fcntl.h>
#include <sys/event.h>
#include <sys/types.h>
#include <unistd.h>

#include "os/process_calls.h"

namespace weft::detail {

namespace {

bool mark_close_on_exec(unsigned) { return false; }

/// One that has ended already cannot be watched on every system.
int open_exit(pid_t pid) {
  const int queue = ::kqueue();
  if (queue == -1) return -1;
  struct kevent change{};
  change.ident = std::uintptr_t(pid);
  change.filter = EVFILT_PROC;
  change.flags = EV_ADD;
  change.fflags = NOTE_EXIT;
  if (::fcntl(queue, F_SETFD, FD_CLOEXEC) == 0 &&
      ::kevent(queue, &change, 1, nullptr, 0, nullptr) == 0)
    return queue;
  ::close(queue);
  return -1;
}

}  // namespace

ProcessCalls process_calls{start_by_fork, mark_close_on_exec, open_exit, wait_by_pid,
                           send_signal_by_pid};

}  // namespace weft::detail
