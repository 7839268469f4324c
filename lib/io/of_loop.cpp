#include "io/of_loop.h"

#include <utility>

#include <weft/io/thread_call.h>

namespace weft::detail {

IoOfLoop::IoOfLoop(LoopCore& core) : loop(core), mailbox(std::make_shared<Mailbox>(*core.owner)) {}

IoOfLoop::~IoOfLoop() {
  mailbox->close();
  for (ThreadCall* call : std::exchange(calls, {})) call->drop();
}

IoOfLoop& io_of(LoopCore& loop) {
  if (!loop.io) loop.io = std::make_unique<IoOfLoop>(loop);
  return static_cast<IoOfLoop&>(*loop.io);
}

}  // namespace weft::detail
