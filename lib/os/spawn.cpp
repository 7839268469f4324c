// The child makes system calls only, and touches nothing but its own frames: with vfork() the
// memory is its parent's. It tells of a failure by a pipe that a successful execve() closes.

#include "os/spawn.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/system.h"
#include "io/signals_blocked.h"
#include "os/process_calls.h"

namespace weft::detail {

namespace {

constexpr int kFirstOther = 3;  // descriptor behind the standard streams

enum class Step : int { Streams, Descriptors, Folder, Session, Program };

struct Failure {
  Step step;
  int error;
};

// ---- in the child

[[noreturn]] void fail(const SpawnPlan& plan, Step step) noexcept {
  const Failure failure{step, errno};
  [[maybe_unused]] const ssize_t told = ::write(plan.errors, &failure, sizeof failure);
  ::_exit(255);
}

/// Those that are handled first: no handler of the parent's may run here.
void restore_signals(bool ignored_too) noexcept {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction present{};
    if (::sigaction(signal, nullptr, &present) != 0 || present.sa_handler == SIG_DFL) continue;
    const bool restored = ignored_too && (signal == SIGPIPE || signal == SIGXFSZ);
    if (present.sa_handler != SIG_IGN || restored) ::sigaction(signal, &standard, nullptr);
  }
}

void move_streams(const SpawnPlan& plan) noexcept {
  for (int target = 0; target < kFirstOther; ++target) {
    const int fd = plan.streams[std::size_t(target)];
    if (fd >= 0 && ::dup2(fd, target) == -1) fail(plan, Step::Streams);
  }
}

void close_others(const SpawnPlan& plan) noexcept {
  if (!process_calls.mark_close_on_exec(kFirstOther))
    for (int fd = kFirstOther; fd <= plan.highest; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  for (const int fd : plan.passed)
    if (::fcntl(fd, F_SETFD, 0) == -1) fail(plan, Step::Descriptors);
}

/// The first error that says more than that there is no such file is the one that is told.
[[noreturn]] void become_program(const SpawnPlan& plan) noexcept {
  int telling = 0;
  for (const std::string& path : plan.paths) {
    if (plan.own_environment)
      ::execve(path.c_str(), plan.argv.data(), plan.envp.data());
    else
      ::execv(path.c_str(), plan.argv.data());
    if (errno != ENOENT && errno != ENOTDIR && telling == 0) telling = errno;
  }
  if (telling != 0) errno = telling;
  fail(plan, Step::Program);
}

void run_child(const SpawnPlan& plan) {
  restore_signals(plan.restore_signals);
  move_streams(plan);
  if (!plan.folder.empty() && ::chdir(plan.folder.c_str()) == -1) fail(plan, Step::Folder);
  if (plan.new_session && ::setsid() == -1) fail(plan, Step::Session);
  close_others(plan);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  become_program(plan);
}

// ---- in the parent

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

int highest_descriptor() {
  int highest = -1;
  std::error_code none;
  std::filesystem::directory_iterator it("/dev/fd", none);
  for (; !none && it != std::filesystem::directory_iterator(); it.increment(none)) {
    const std::string name = it->path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    highest = std::max(highest, fd);
  }
  return highest >= kFirstOther ? highest : int(::sysconf(_SC_OPEN_MAX)) - 1;
}

std::string name_of(Step step, const SpawnPlan& plan) {
  switch (step) {
    case Step::Streams:
      return fmt::format("dup2 for '{}'", plan.program);
    case Step::Descriptors:
      return fmt::format("fcntl for the pass_fds of '{}'", plan.program);
    case Step::Folder:
      return fmt::format("chdir to '{}' for '{}'", plan.folder, plan.program);
    case Step::Session:
      return fmt::format("setsid for '{}'", plan.program);
    case Step::Program:
      break;
  }
  return fmt::format("execve of '{}'", plan.program);
}

/// What the child tells; nothing if all went well.
std::size_t read_failure(int fd, Failure& failure) {
  for (;;) {
    const ssize_t count = ::read(fd, &failure, sizeof failure);
    if (count >= 0) return std::size_t(count);
    if (errno != EINTR) raise_errno("read from the child");
  }
}

}  // namespace

pid_t start_by_fork(void (*body)(const SpawnPlan&), const SpawnPlan& plan) {
  const pid_t pid = ::fork();
  if (pid == 0) body(plan);
  return pid;
}

pid_t spawn(SpawnPlan& plan) {
  plan.argv = pointers_to(plan.arguments);
  plan.envp = pointers_to(plan.environment);
  int ends[2];
  if (open_pipe(ends) != 0) raise_errno("pipe");
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer = above_streams(FileDescriptor(ends[1]));
  plan.errors = writer.get();
  if (!process_calls.mark_close_on_exec(~0U)) plan.highest = highest_descriptor();
  pid_t pid = -1;
  int error = 0;
  {
    const SignalsBlocked blocked;
    pid = process_calls.start(run_child, plan);
    error = errno;
  }
  if (pid == -1) raise_error(error, fmt::format("fork for '{}'", plan.program));
  writer.close();
  Failure failure{};
  if (read_failure(reader.get(), failure) != sizeof failure) return pid;
  while (::waitpid(pid, nullptr, 0) == -1 && errno == EINTR) {
  }
  raise_error(failure.error, name_of(failure.step, plan));
}

FileDescriptor above_streams(FileDescriptor fd) {
  return fd.get() >= kFirstOther ? std::move(fd) : copy_above_streams(fd.get(), "a descriptor");
}

FileDescriptor copy_above_streams(int fd, const std::string& name) {
  FileDescriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOther));
  if (!copy) raise_errno(fmt::format("fcntl for {}, {}", name, fd));
  return copy;
}

}  // namespace weft::detail
