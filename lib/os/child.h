// A child, from its start to its end. Layer: os.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include <sys/types.h>

#include <weft/loop/core.h>
#include <weft/task/wait_queue.h>

namespace weft::detail {

/// Kept by the handles of a process, by whoever waits for it, and by its watch. While that is
/// there, the child has not been reaped, so its pid is nobody else's.
struct Child {
  class Watch;

  const pid_t pid;
  LoopCore& loop;                 // only while there is a watch
  Watch* watch = nullptr;         // null once it has ended, or its loop is closed
  std::optional<int> returncode;  // -N: signal N has killed it
  WaitQueue waiters;

  Child(pid_t id, LoopCore& core) noexcept : pid(id), loop(core) {}

  /// Has `child` looked after until it ends. Throws: std::system_error; then it has been killed.
  static void watch_over(const std::shared_ptr<Child>& child);

  int wait();
  void send_signal(int signal);

 private:
  void ended(int code);
};

/// Sees to children that have ended after their loop was closed. Thread: any.
void reap_orphans() noexcept;

}  // namespace weft::detail
