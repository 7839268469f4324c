// Processes that are expected to die, or to start afresh.
#pragma once

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

inline bool under_valgrind() {
#ifdef RUNNING_ON_VALGRIND
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

/// True where a fault is caught and told at length before it kills.
inline bool under_checker() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
  return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || under_valgrind();
#else
  return under_valgrind();
#endif
}

/// How a process ended, and what it wrote to stderr.
struct Ending {
  int signal = 0;
  int status = -1;
  std::string errors;
};

template <class F>
Ending run_in_child(F&& body) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  std::cout.flush();  // or both would write it
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    std::signal(SIGSEGV, SIG_DFL);  // the test framework has a handler
    body();
    _exit(0);
  }
  close(ends[1]);
  Ending ending;
  char buffer[512];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    ending.errors.append(buffer, std::size_t(n));
  close(ends[0]);
  // What qemu-user says when it is about to die of its program's signal.
  if (const auto at = ending.errors.find("qemu: uncaught target signal"); at != std::string::npos)
    ending.errors.erase(at, ending.errors.find('\n', at) - at + 1);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) ending.signal = WTERMSIG(status);
  if (WIFEXITED(status)) ending.status = WEXITSTATUS(status);
  return ending;
}

/// What `text()` gives in a forked child; or how that has died.
template <class F>
std::string in_child(F&& text) {
  const Ending ending = run_in_child([&] {
    const std::string all = text();
    if (write(STDERR_FILENO, all.data(), all.size()) != ssize_t(all.size())) _exit(1);
  });
  if (ending.signal == 0 && ending.status == 0) return ending.errors;
  return ending.errors + "; signal " + std::to_string(ending.signal) + ", status " +
         std::to_string(ending.status);
}

/// Runs the case `name` of this very program, which is marked doctest::skip(), in a new process
/// with `setting` (NAME=VALUE) in its environment. What runs programs of another processor, if
/// meson has named it, runs the new one as well.
inline Ending run_case(const std::string& setting, const std::string& name) {
  return run_in_child([&] {
    const std::string filter = "--test-case=" + name;
    putenv(const_cast<char*>(setting.c_str()));
    char self[4096] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) == -1) _exit(127);
    const char* wrapper = std::getenv("MESON_EXE_WRAPPER");
    const std::string command = "exec " + std::string(wrapper ? wrapper : "") + " \"$@\"";
    execl("/bin/sh", "sh", "-c", command.c_str(), "sh", self, "--no-skip", filter.c_str(),
          "--out=/dev/null", nullptr);
    _exit(127);
  });
}

/// Whether it passed. (Valgrind cannot be asked: there the program itself is Valgrind.)
inline bool passes_with(const std::string& setting, const std::string& name) {
  return under_valgrind() || run_case(setting, name).status == 0;
}
