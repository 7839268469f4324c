// A watch belongs to its loop: it goes when the child has ended, or the loop is closed. What the
// loop waits for is a descriptor that is readable when the child has ended. Where there is none a
// thread waits, and leaves the child to be reaped by the loop, so that nobody else can get its pid
// meanwhile.

#include "os/child.h"

#include <cerrno>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/io/fd.h>

#include "base/system.h"
#include "io/of_loop.h"
#include "io/signals_blocked.h"
#include "os/process_calls.h"

namespace weft::detail {

namespace {

constexpr int kUnknown = 255;  // asyncio's

std::mutex orphans_mutex;
std::vector<pid_t> orphans;  // under the mutex

void leave_orphan(pid_t pid) {
  {
    const std::lock_guard lock(orphans_mutex);
    orphans.push_back(pid);
  }
  reap_orphans();
}

}  // namespace

int wait_by_pid(int, pid_t pid, siginfo_t* info, int options) {
  return ::waitid(P_PID, id_t(pid), info, options);
}

int send_signal_by_pid(int, pid_t pid, int signal) { return ::kill(pid, signal); }

void reap_orphans() noexcept {
  const std::lock_guard lock(orphans_mutex);
  std::erase_if(orphans, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

class Child::Watch final : LinkedWatch {
 public:
  explicit Watch(std::shared_ptr<Child> child);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (registered_) child_->loop.selector->unregister(exit_.get());
    child_->loop.remove_watch(*this);
    --child_->loop.outside;
    child_->watch = nullptr;
  }

  /// Reaps the child if it has ended, and goes.
  void look();
  void send_signal(int signal);

 private:
  bool register_exit();
  void start_thread();

  std::shared_ptr<Child> child_;
  FileDescriptor exit_;  // none: a thread waits
  bool registered_ = false;
};

Child::Watch::Watch(std::shared_ptr<Child> child)
    : child_(std::move(child)), exit_(process_calls.open_exit(child_->pid)) {
  ready = [](detail::Watch* watch, Events) { static_cast<Watch*>(watch)->look(); };
  detach = [](LinkedWatch* watch) noexcept {
    const std::unique_ptr<Watch> self(static_cast<Watch*>(watch));
    leave_orphan(self->child_->pid);
  };
  registered_ = exit_ && register_exit();
  if (!registered_) start_thread();
  child_->loop.add_watch(*this);
  ++child_->loop.outside;
  child_->watch = this;
}

/// False if there is no room for it.
bool Child::Watch::register_exit() {
  try {
    child_->loop.selector->register_(exit_.get(), Events::Readable, Trigger::Level,
                                     static_cast<detail::Watch*>(this));
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Child::Watch::start_thread() {
  const SignalsBlocked blocked;
  std::thread([pid = child_->pid, child = std::weak_ptr(child_),
               mailbox = io_of(child_->loop).mailbox] {
    siginfo_t info{};
    while (::waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) == -1 && errno == EINTR) {
    }
    mailbox->post([child] {
      const std::shared_ptr<Child> there = child.lock();
      if (there && there->watch) there->watch->look();
    });
  }).detach();
}

void Child::Watch::look() {
  siginfo_t info{};
  int code = kUnknown;
  if (process_calls.wait(exit_.get(), child_->pid, &info, WEXITED | WNOHANG) == 0) {
    if (info.si_pid == 0) return;
    code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
  } else {
    const std::string message =
        fmt::format("child process pid {} exit status already read:  will report returncode {}",
                    child_->pid, kUnknown);
    report(child_->loop, {message, nullptr, {}});
  }
  const std::shared_ptr<Child> child = child_;
  delete this;
  child->ended(code);
}

void Child::Watch::send_signal(int signal) {
  if (process_calls.send_signal(exit_.get(), child_->pid, signal) == 0 || errno == ESRCH) return;
  raise_errno(fmt::format("kill of process {} with signal {}", child_->pid, signal));
}

void Child::watch_over(const std::shared_ptr<Child>& child) {
  try {
    (void)new Watch(child);
  } catch (...) {
    ::kill(child->pid, SIGKILL);
    while (::waitpid(child->pid, nullptr, 0) == -1 && errno == EINTR) {
    }
    throw;
  }
}

void Child::ended(int code) {
  returncode = code;
  waiters.wake_all();
}

int Child::wait() {
  if (!returncode) {
    if (!watch) throw RuntimeError("Process.wait: the loop that started the process is closed");
    if (running_loop && running_loop != &loop)
      throw RuntimeError("Process.wait: the process was started by another event loop");
    waiters.park("Process.wait");
  }
  return *returncode;
}

void Child::send_signal(int signal) {
  if (watch) return watch->send_signal(signal);
  if (!returncode)
    throw RuntimeError("Process.send_signal: the loop that started the process is closed");
}

}  // namespace weft::detail
