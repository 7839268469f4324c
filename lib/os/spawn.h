// From a plan to a running program. Layer: os.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <vector>

#include <sys/types.h>

#include <weft/io/fd.h>

namespace weft::detail {

/// All that a child needs to become a program, made before it begins: in between it may only make
/// system calls.
struct SpawnPlan {
  std::string program;                        // for messages
  std::string folder;                         // empty: as it is
  std::vector<std::string> arguments;         // with the program's own name
  std::vector<std::string> environment;       // NAME=VALUE
  std::vector<std::string> paths;             // where the program may lie, to be tried in turn
  std::array<int, 3> streams = {-1, -1, -1};  // not below 3; -1: as it is
  std::vector<int> passed;
  bool own_environment = false;
  bool new_session = false;
  bool restore_signals = true;

  // By spawn().
  std::vector<char*> argv;
  std::vector<char*> envp;
  int errors = -1;   // where the child tells what failed
  int highest = -1;  // open descriptor, if those that are not to be passed have to be marked
};

/// Returns when the child has become the program.
/// Throws: std::system_error that names the step that failed.
pid_t spawn(SpawnPlan& plan);

/// The same descriptor, or a copy, by a number that is no standard stream's; close-on-exec.
/// Throws: std::system_error.
FileDescriptor above_streams(FileDescriptor fd);
FileDescriptor copy_above_streams(int fd, const std::string& name);

}  // namespace weft::detail
