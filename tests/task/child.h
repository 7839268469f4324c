// A test case in a process of its own.
#pragma once

#include <array>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

/// Runs the case `name` of this program (its own prefix marks those that only children run) and
/// gives the status of waitpid(). `setting` is put into the environment, as "NAME=value".
inline int run_in_child(const std::string& name, const char* setting = nullptr) {
  std::array<char, 4096> self{};
  REQUIRE(::readlink("/proc/self/exe", self.data(), self.size() - 1) > 0);
  const std::string filter = "-tc=" + name;
  std::string environment = setting ? setting : "WEFT_TESTS=1";
  const pid_t child = ::fork();
  REQUIRE(child != -1);
  if (child == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDOUT_FILENO);
    ::putenv(environment.data());
    ::execl(self.data(), self.data(), filter.c_str(), "--no-skip", "--no-breaks", nullptr);
    ::_exit(127);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

inline bool succeeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
