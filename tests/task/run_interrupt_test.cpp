// Ctrl-C, as run() sees it.
#include <atomic>
#include <csignal>
#include <thread>

#include <doctest/doctest.h>

#include <weft/task/run.h>
#include <weft/task/sleep.h>
#include <weft/testing/run.h>

#include "../child.h"
#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;

namespace {

std::atomic<int> caught_by_program{0};

/// Whether SIGINT kills at present.
bool is_default() {
  struct sigaction present{};
  sigaction(SIGINT, nullptr, &present);
  return present.sa_handler == SIG_DFL;
}

/// The fixture of all cases: doctest looks after SIGINT itself, and run() would leave it alone.
class DefaultInterrupt {
 public:
  DefaultInterrupt() : before_(std::signal(SIGINT, SIG_DFL)) {}
  DefaultInterrupt(const DefaultInterrupt&) = delete;
  DefaultInterrupt& operator=(const DefaultInterrupt&) = delete;
  ~DefaultInterrupt() { std::signal(SIGINT, before_); }

 private:
  void (*before_)(int);
};

}  // namespace

TEST_SUITE_BEGIN("Ctrl-C");

TEST_CASE_FIXTURE(DefaultInterrupt,
                  "it cancels main where it waits: KeyboardInterrupt comes out of run()") {
  Log log;
  CHECK_THROWS_AS(run([&] {
                    std::raise(SIGINT);
                    try {
                      sleep(1h);
                    } catch (const CancelledError&) {
                      log("main cleaned up");
                      throw;
                    }
                  }),
                  KeyboardInterrupt);
  CHECK(log == Log{"main cleaned up"});
  CHECK(is_default());
}

TEST_CASE_FIXTURE(DefaultInterrupt, "it ends one run of a Runner, which serves on") {
  Runner runner;
  CHECK_THROWS_AS(runner.run([] {
    std::raise(SIGINT);
    sleep(1h);
  }),
                  KeyboardInterrupt);
  CHECK(is_default());
  CHECK(runner.run([] { return 2; }) == 2);
}

TEST_CASE_FIXTURE(DefaultInterrupt, "it wakes a loop that waits") {
  std::thread other;
  CHECK_THROWS_AS(run([&] {
                    other = std::thread([] { ::kill(::getpid(), SIGINT); });
                    sleep(1h);
                  }),
                  KeyboardInterrupt);
  other.join();
}

TEST_CASE_FIXTURE(DefaultInterrupt, "other tasks are cancelled as at any end of run()") {
  Log log;
  CHECK_THROWS_AS(run([&] {
                    create_task([&] {
                      log(error_of([] { sleep(1h); }));
                      throw CancelledError();
                    });
                    yield_now();
                    std::raise(SIGINT);
                    sleep(1h);
                  }),
                  KeyboardInterrupt);
  CHECK(log == Log{"CancelledError()"});
}

TEST_CASE_FIXTURE(DefaultInterrupt, "a main that refuses to be cancelled has its result") {
  CHECK(run([] {
          std::raise(SIGINT);
          try {
            sleep(1h);
          } catch (const CancelledError&) {
          }
          return 3;
        }) == 3);
  CHECK(is_default());
}

TEST_CASE_FIXTURE(DefaultInterrupt, "a main that fails during its cleanup throws that") {
  CHECK(error_of([] {
          run([] {
            std::raise(SIGINT);
            try {
              sleep(1h);
            } catch (const CancelledError&) {
              throw ValueError("cleanup");
            }
          });
        }) == "ValueError('cleanup')");
}

TEST_CASE_FIXTURE(DefaultInterrupt, "one that comes as main ends is not lost") {
  CHECK_THROWS_AS(run([] { std::raise(SIGINT); }), KeyboardInterrupt);
  CHECK(is_default());
}

TEST_CASE_FIXTURE(DefaultInterrupt, "one that comes when main has ended is not lost") {
  CHECK_THROWS_AS(run([] {
                    // In the last turn, after the loop has looked for signals.
                    get_running_loop().call_soon([] { std::raise(SIGINT); });
                    return 1;
                  }),
                  KeyboardInterrupt);
  CHECK(is_default());
}

TEST_CASE_FIXTURE(DefaultInterrupt, "one that is still main's own to handle is not run()'s") {
  CHECK(run([] {
          get_running_loop().add_signal_handler(SIGINT, [] {});
          get_running_loop().call_soon([] { std::raise(SIGINT); });
          return 1;
        }) == 1);
  CHECK(is_default());
}

TEST_CASE_FIXTURE(DefaultInterrupt, "without Ctrl-C a cancelled main throws CancelledError") {
  CHECK(error_of([] {
          run([] {
            current_task().cancel("own");
            sleep(1h);
          });
        }) == "CancelledError('own')");
}

TEST_CASE_FIXTURE(DefaultInterrupt, "a program that handles SIGINT itself is left alone") {
  caught_by_program = 0;
  std::signal(SIGINT, [](int) { ++caught_by_program; });
  const int result = run([] {
    std::raise(SIGINT);
    yield_now();
    return 1;
  });
  std::signal(SIGINT, SIG_DFL);
  CHECK(result == 1);
  CHECK(caught_by_program == 1);
}

TEST_CASE_FIXTURE(DefaultInterrupt, "a handler that main sets itself counts from then on") {
  Log log;
  run([&] {
    get_running_loop().add_signal_handler(SIGINT, [&] { log("main's own"); });
    std::raise(SIGINT);
    yield_now();
    yield_now();
  });
  CHECK(log == Log{"main's own"});
  CHECK(is_default());
}

TEST_CASE_FIXTURE(DefaultInterrupt,
                  "on another thread than the first, run() does not touch SIGINT") {
  bool untouched = false;
  std::thread([&] { run([&] { untouched = is_default(); }); }).join();
  CHECK(untouched);
  bool set_here = false;
  run([&] { set_here = !is_default(); });
  CHECK(set_here);
}

TEST_CASE_FIXTURE(DefaultInterrupt, "the second Ctrl-C kills") {
  const Ending ending = run_in_child([] {
    run([] {
      std::raise(SIGINT);
      try {
        sleep(1h);
      } catch (const CancelledError&) {
        std::raise(SIGINT);  // the cleanup takes too long for the user
      }
    });
  });
  CHECK(ending.signal == SIGINT);
}

TEST_SUITE_END();
