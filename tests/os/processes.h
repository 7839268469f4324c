// What the tests of processes share. White-box: they force what other systems have.
#pragma once

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/io/fd.h>
#include <weft/os/subprocess.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../errors.h"
#include "os/process_calls.h"

/// Also one that has ended and was not waited for.
inline bool has_child() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// testing::run(), which looks for tasks and descriptors that are left; no child is left, either.
inline void run_with_children(const std::function<void()>& body) {
  REQUIRE_FALSE(has_child());
  weft::testing::run(body);
  CHECK_FALSE(has_child());
}

/// While it lives, processes are made and watched so.
class System {
 public:
  explicit System(const weft::detail::ProcessCalls& calls)
      : before_(std::exchange(weft::detail::process_calls, calls)) {}
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  ~System() { weft::detail::process_calls = before_; }

 private:
  weft::detail::ProcessCalls before_;
};

struct Native : System {
  Native() : System(weft::detail::process_calls) {}
};

/// The least that there is on any system.
struct Portable : System {
  Portable()
      : System({weft::detail::start_by_fork, [](unsigned) { return false; },
                [](pid_t) { return -1; }, weft::detail::wait_by_pid,
                weft::detail::send_signal_by_pid}) {}
};

#define SYSTEMS Native, Portable

inline constexpr weft::Stdio kPipe = weft::Stdio::Pipe;

/// A pipe that has nothing to do with a loop.
struct PlainPipe {
  weft::FileDescriptor reader;
  weft::FileDescriptor writer;

  PlainPipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    reader = weft::FileDescriptor(ends[0]);
    writer = weft::FileDescriptor(ends[1]);
  }

  /// Blocks until the other end is closed everywhere.
  std::string read_all() {
    writer.close();
    std::string all;
    char buffer[64];
    for (ssize_t n = 0; (n = ::read(reader.get(), buffer, sizeof buffer)) > 0;)
      all.append(buffer, std::size_t(n));
    return all;
  }
};

/// For a shell that was passed the descriptor.
inline std::string path_of(const weft::FileDescriptor& fd) {
  return "/dev/fd/" + std::to_string(fd.get());
}

/// A process that ends when its stdin does, and gives back what it reads.
inline weft::Process start_cat() {
  return weft::create_subprocess_exec("cat", {}, {.stdin_ = kPipe, .stdout_ = kPipe});
}

/// What a shell prints.
inline std::string printed(const std::string& command, weft::SubprocessOptions options = {}) {
  options.stdout_ = kPipe;
  return weft::create_subprocess_shell(command, options).communicate().stdout_;
}

/// Blocks until a child has ended, and does not reap it.
inline void block_until_ended(int pid) {
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) == 0);
}
