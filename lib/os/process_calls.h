// What systems do differently about children: process_linux.cpp and process_kqueue.cpp. Layer: os.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

#include <sys/types.h>

namespace weft::detail {

struct SpawnPlan;

/// Tests replace entries by what other systems have.
struct ProcessCalls {
  /// Makes a process that runs `body(plan)`, which does not return. As fork().
  pid_t (*start)(void (*body)(const SpawnPlan&), const SpawnPlan& plan);

  /// Marks all descriptors from `first` on as close-on-exec, in one call; false if the system has
  /// none for that. Async-signal-safe.
  bool (*mark_close_on_exec)(unsigned first);

  /// A descriptor that is readable when the child has ended; -1 if there is none to be had.
  int (*open_exit)(pid_t pid);

  /// As waitid() for the end of a child of which `exit` is the descriptor.
  int (*wait)(int exit, pid_t pid, siginfo_t* info, int options);

  /// As kill().
  int (*send_signal)(int exit, pid_t pid, int signal);
};

extern ProcessCalls process_calls;

// What every system has.
pid_t start_by_fork(void (*body)(const SpawnPlan&), const SpawnPlan& plan);
int wait_by_pid(int exit, pid_t pid, siginfo_t* info, int options);
int send_signal_by_pid(int exit, pid_t pid, int signal);

}  // namespace weft::detail
