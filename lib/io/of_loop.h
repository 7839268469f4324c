// What the io layer keeps with a loop. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <set>

#include <weft/io/thread_pool.h>
#include <weft/loop/core.h>

#include "io/mailbox.h"

namespace weft::detail {

class ThreadCall;

struct IoOfLoop final : Attachment {
  LoopCore& loop;
  std::shared_ptr<Mailbox> mailbox;
  std::set<ThreadCall*> calls;  // that have a future
  ThreadPoolOptions pool_options;
  std::optional<ThreadPool> pool;  // the default one
  bool pool_was_shut_down = false;

  explicit IoOfLoop(LoopCore& core);
  /// Blocks until the default pool has made its calls.
  ~IoOfLoop() override;
};

IoOfLoop& io_of(LoopCore& loop);

}  // namespace weft::detail
