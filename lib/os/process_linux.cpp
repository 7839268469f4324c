// Children on Linux: a descriptor stands for each.
#include <cerrno>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process_calls.h"

namespace weft::detail {

namespace {

// Newer than the headers of some systems; the numbers are the same on all processors.
constexpr long kCloseRange = 436;
constexpr long kPidfdOpen = 434;
constexpr long kPidfdSendSignal = 424;
constexpr unsigned kMarkCloseOnExec = 1U << 2;
constexpr auto kByPidfd = idtype_t(3);

/// The child borrows the memory of this thread, which stands still until it has become another
/// program: nothing is copied, however much there is.
[[gnu::noinline]] pid_t start_by_vfork(void (*body)(const SpawnPlan&), const SpawnPlan& plan) {
  const pid_t pid = ::vfork();  // NOLINT(clang-analyzer-*): what it may do there is what body does
  if (pid == 0) body(plan);     // NOLINT(clang-analyzer-unix.Vfork)
  return pid;
}

bool mark_close_on_exec(unsigned first) {
  return syscall(kCloseRange, first, ~0U, kMarkCloseOnExec) == 0;
}

int open_exit(pid_t pid) { return int(syscall(kPidfdOpen, pid, 0)); }

int wait(int exit, pid_t pid, siginfo_t* info, int options) {
  return exit < 0 ? wait_by_pid(exit, pid, info, options)
                  : waitid(kByPidfd, id_t(exit), info, options);
}

int send_signal(int exit, pid_t pid, int signal) {
  return exit < 0 ? send_signal_by_pid(exit, pid, signal)
                  : int(syscall(kPidfdSendSignal, exit, signal, nullptr, 0));
}

}  // namespace

ProcessCalls process_calls{start_by_vfork, mark_close_on_exec, open_exit, wait, send_signal};

}  // namespace weft::detail
