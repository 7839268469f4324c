#include <weft/io/to_thread.h>

#include <memory>
#include <thread>

#include <weft/base/errors.h>

#include "io/of_loop.h"
#include "io/outside_wait.h"

namespace weft {

namespace {

/// Waits until the pool has made its calls; those may still need the loop.
void shut_down_default_pool(detail::IoOfLoop& io) {
  io.pool_was_shut_down = true;
  const auto place = std::make_shared<detail::Waiter*>(nullptr);
  detail::OutsideWait wait(*place, io.loop);
  struct Joined {
    std::thread thread;
    ~Joined() { thread.join(); }
  } const joined{std::thread([&io, place] {
    io.pool->shutdown();
    io.mailbox->post([place] {
      if (*place) (*place)->wake();
    });
  })};
  wait.wait({"shutdown_default_pool", &*io.pool});
}

detail::IoOfLoop& io_of_running_loop(const char* call) {
  return detail::io_of(detail::require_loop(call));
}

}  // namespace

ThreadPool& default_pool() {
  detail::IoOfLoop& io = io_of_running_loop("default_pool");
  if (io.pool_was_shut_down) throw RuntimeError("Executor shutdown has been called");
  if (!io.pool) {
    io.pool.emplace(io.pool_options);
    io.loop.owner->at_shutdown([&io] { shut_down_default_pool(io); });
  }
  return *io.pool;
}

void set_default_pool(ThreadPoolOptions options) {
  detail::IoOfLoop& io = io_of_running_loop("set_default_pool");
  if (io.pool) throw RuntimeError("set_default_pool: the loop's pool has been made already");
  io.pool_options = options;
}

}  // namespace weft
