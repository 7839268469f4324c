#include <weft/io/thread_pool.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/sync/queue.h>

#include "selectors.h"

using namespace weft;

TEST_SUITE_BEGIN("ThreadPool");

TEST_CASE("calls are made in other threads, and shutdown() waits for all that were given") {
  std::atomic<int> calls = 0;
  std::atomic<bool> elsewhere = true;
  ThreadPool pool({.threads = 2});
  for (int i = 0; i < 100; ++i)
    pool.submit([&, caller = std::this_thread::get_id()] {
      if (std::this_thread::get_id() == caller) elsewhere = false;
      ++calls;
    });
  pool.shutdown();
  CHECK(calls == 100);
  CHECK(elsewhere);
}

TEST_CASE("a pool that goes has made its calls") {
  std::atomic<int> calls = 0;
  {
    ThreadPool pool({.threads = 1});
    for (int i = 0; i < 10; ++i) pool.submit([&] { ++calls; });
  }
  CHECK(calls == 10);
}

TEST_CASE("threads are started on demand, and no more than there may be") {
  ThreadPool pool({.threads = 2});
  CHECK(pool.threads() == 0);
  std::latch go(1);
  pool.submit([&] { go.wait(); });
  CHECK(pool.threads() == 1);
  pool.submit([&] { go.wait(); });
  CHECK(pool.threads() == 2);
  pool.submit([] {});
  CHECK(pool.threads() == 2);
  go.count_down();
}

TEST_CASE("one thread makes calls in the order in which they came") {
  std::vector<int> order;
  ThreadPool pool({.threads = 1});
  for (int i = 0; i < 5; ++i) pool.submit([&, i] { order.push_back(i); });
  pool.shutdown();
  CHECK(order == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a queue that is full refuses calls, and takes them again later") {
  ThreadPool pool({.threads = 1, .queue = 2});
  std::latch begun(1), go(1), over(1);
  pool.submit([&] {
    begun.count_down();
    go.wait();
  });
  begun.wait();
  pool.submit([] {});
  pool.submit([&] { over.count_down(); });
  CHECK(contains(error_of([&] { pool.submit([] {}); }), "QueueFull('submit"));
  go.count_down();
  over.wait();
  CHECK_NOTHROW(pool.submit([] {}));
}

TEST_CASE("a queue of none is refused by name") {
  CHECK(contains(error_of([] { ThreadPool({.queue = 0}); }), "ValueError('queue: "));
}

TEST_CASE("after shutdown() no call is taken") {
  ThreadPool pool;
  pool.submit([] {});
  pool.shutdown();
  CHECK(error_of([&] { pool.submit([] {}); }) ==
        "RuntimeError('cannot schedule new futures after shutdown')");
  CHECK_NOTHROW(pool.shutdown());
}

TEST_CASE("a thread of the pool cannot shut it down") {
  std::string error;
  ThreadPool pool({.threads = 1});
  pool.submit([&] { error = error_of([&] { pool.shutdown(); }); });
  pool.shutdown();
  CHECK(contains(error, "RuntimeError('shutdown: "));
}

TEST_CASE("what a call throws goes to the hook of its thread, and the thread goes on") {
  std::string told;
  ThreadPool pool({.threads = 1});
  pool.submit([&] {
    set_unraisable_hook([&](const std::exception_ptr& error, std::string_view where) {
      told = std::string(where) + ": " + describe(error);
    });
  });
  pool.submit([] { throw ValueError("in a thread"); });
  bool went_on = false;
  pool.submit([&] { went_on = true; });
  pool.shutdown();
  CHECK(told == "in a thread of a pool: ValueError('in a thread')");
  CHECK(went_on);
}

TEST_CASE("signals are left to the other threads") {
  bool blocked = false, faults = true;
  ThreadPool pool({.threads = 1});
  pool.submit([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
    faults = sigismember(&mask, SIGSEGV) == 1;
  });
  pool.shutdown();
  CHECK(blocked);
  CHECK_FALSE(faults);
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  CHECK(sigismember(&mine, SIGINT) == 0);  // this thread's are as before
}

TEST_CASE("a call is destroyed when it is over") {
  const auto kept = std::make_shared<int>(1);
  ThreadPool pool({.threads = 1});
  pool.submit([kept] {});
  pool.shutdown();
  CHECK(kept.use_count() == 1);
}

TEST_SUITE_END();
