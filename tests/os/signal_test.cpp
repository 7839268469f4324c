#include <weft/os/signal.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/coro/async_for.h>
#include <weft/task/run.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/testing/log.h>
#include <weft/testing/run.h>

#include "../errors.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log;
using testing::settle;
using testing::turns;

namespace {

std::atomic<int> caught_by_program{0};

/// The fixture of all cases: the program itself counts SIGUSR1, and ignores SIGUSR2.
class Program {
 public:
  Program()
      : usr1_(std::signal(SIGUSR1, [](int) { ++caught_by_program; })),
        usr2_(std::signal(SIGUSR2, SIG_IGN)) {
    caught_by_program = 0;
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    std::signal(SIGUSR1, usr1_);
    std::signal(SIGUSR2, usr2_);
  }

  static bool is_back() {
    caught_by_program = 0;
    std::raise(SIGUSR1);
    return caught_by_program == 1;
  }

 private:
  void (*usr1_)(int);
  void (*usr2_)(int);
};

}  // namespace

TEST_SUITE_BEGIN("SignalReceiver");

TEST_CASE_FIXTURE(Program, "wait_signal() returns the signal that comes") {
  testing::run([] {
    const auto task = create_task([] { return wait_signal(SIGUSR1, SIGUSR2); });
    settle();
    CHECK_FALSE(task.done());
    std::raise(SIGUSR2);
    CHECK(task.await() == SIGUSR2);
    CHECK(Program::is_back());
  });
}

TEST_CASE_FIXTURE(Program, "a signal that has come is kept until it is waited for") {
  testing::run([] {
    SignalReceiver receiver({SIGUSR1});
    std::raise(SIGUSR1);
    settle();
    CHECK(turns([&] { CHECK(receiver.wait() == SIGUSR1); }) == 0);
    CHECK(caught_by_program == 0);
    CHECK_THROWS_AS(timeout(0s, [&] { receiver.wait(); }), TimeoutError);  // it was taken
  });
}

TEST_CASE_FIXTURE(Program, "of several that have come the first in the list is told first") {
  testing::run([] {
    SignalReceiver receiver({SIGUSR2, SIGUSR1, SIGUSR2});
    for (const int signal : {SIGUSR1, SIGUSR2, SIGUSR1}) std::raise(signal);
    settle();
    CHECK(receiver.wait() == SIGUSR2);
    CHECK(receiver.wait() == SIGUSR1);
    CHECK_THROWS_AS(timeout(0s, [&] { receiver.wait(); }), TimeoutError);
  });
}

TEST_CASE_FIXTURE(Program, "async_for() goes from signal to signal") {
  testing::run([] {
    Log log;
    SignalReceiver receiver({SIGUSR1, SIGUSR2});
    std::raise(SIGUSR1);
    settle();
    std::raise(SIGUSR2);
    async_for(receiver, [&](int signal) {
      log(signal == SIGUSR1 ? "usr1" : "usr2");
      return signal == SIGUSR2 ? Iteration::Break : Iteration::Continue;
    });
    CHECK(log == Log{"usr1", "usr2"});
  });
}

TEST_CASE_FIXTURE(Program, "a task that was cancelled before does not wait, and nothing is lost") {
  testing::run([] {
    SignalReceiver receiver({SIGUSR1});
    current_task().cancel();
    CHECK_THROWS_AS(receiver.wait(), CancelledError);
    current_task().uncancel();
    std::raise(SIGUSR1);
    CHECK(receiver.wait() == SIGUSR1);
  });
}

TEST_CASE_FIXTURE(Program, "a wait that is cancelled leaves the receiver as it was") {
  testing::run([] {
    SignalReceiver receiver({SIGUSR1});
    const auto task = create_task([&] { receiver.wait(); });
    settle();
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    std::raise(SIGUSR1);
    CHECK(receiver.wait() == SIGUSR1);
    CHECK(caught_by_program == 0);
  });
}

TEST_CASE_FIXTURE(Program, "a wait that is cancelled when its signal has come leaves it there") {
  testing::run([] {
    SignalReceiver receiver({SIGUSR1});
    const auto task = create_task([&] { receiver.wait(); });
    // Told in the same turn, behind SIGUSR1: the task has been woken by then.
    get_running_loop().add_signal_handler(SIGUSR2, [&] { task.cancel(); });
    settle();
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK(turns([&] { CHECK(receiver.wait() == SIGUSR1); }) == 0);
  });
}

TEST_CASE_FIXTURE(Program, "then the next in line has it") {
  testing::run([] {
    SignalReceiver receiver({SIGUSR1});
    const auto first = create_task([&] { receiver.wait(); });
    const auto second = create_task([&] { return receiver.wait(); });
    get_running_loop().add_signal_handler(SIGUSR2, [&] { first.cancel(); });
    settle();
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    CHECK(second.await() == SIGUSR1);
    CHECK_THROWS_AS(first.await(), CancelledError);
  });
}

TEST_CASE_FIXTURE(Program, "wait_signal() that is cancelled then raises it again") {
  testing::run([] {
    const auto task = create_task([] { wait_signal(SIGUSR1); });
    get_running_loop().add_signal_handler(SIGUSR2, [&] { task.cancel(); });
    settle();
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK(caught_by_program == 1);
  });
}

TEST_CASE_FIXTURE(Program, "a signal that comes as a limit passes is told, or raised again") {
  testing::run([] {
    std::raise(SIGUSR1);
    CHECK(caught_by_program == 1);
    CHECK_THROWS_AS(timeout(0s,
                            [] {
                              get_running_loop().call_soon([] { std::raise(SIGUSR1); });
                              wait_signal(SIGUSR1);
                            }),
                    TimeoutError);
    CHECK(caught_by_program == 2);
  });
}

TEST_CASE_FIXTURE(Program, "what nobody has taken is raised again when the receiver goes") {
  testing::run([] {
    {
      const SignalReceiver receiver({SIGUSR1});
      std::raise(SIGUSR1);  // the loop has not been told yet
    }
    CHECK(caught_by_program == 1);
    {
      const SignalReceiver receiver({SIGUSR1});
      std::raise(SIGUSR1);
      settle();
      CHECK(caught_by_program == 1);
    }
    CHECK(caught_by_program == 2);
    {
      SignalReceiver receiver({SIGUSR1});
      std::raise(SIGUSR1);
      receiver.wait();
    }
    CHECK(caught_by_program == 2);
    CHECK(Program::is_back());
  });
}

TEST_CASE_FIXTURE(Program, "each goes to one task, whichever receiver that waits on") {
  testing::run([] {
    auto a = std::make_unique<SignalReceiver>(std::initializer_list<int>{SIGUSR1});
    SignalReceiver b({SIGUSR1});
    Log log;
    const auto first = create_task([&] { b.wait(), log("b"); });
    const auto second = create_task([&] { a->wait(), log("a"); });
    settle();
    std::raise(SIGUSR1);
    settle();
    CHECK(log == Log{"b"});
    std::raise(SIGUSR1);
    settle();
    CHECK(log == Log{"b", "a"});
    std::raise(SIGUSR1);
    settle();
    a.reset();  // b still catches it
    CHECK(caught_by_program == 0);
    CHECK(b.wait() == SIGUSR1);
  });
}

TEST_CASE_FIXTURE(Program, "a handler of the loop is put aside, and back") {
  testing::run([] {
    Log log;
    get_running_loop().add_signal_handler(SIGUSR1, [&] { log("handler"); });
    {
      SignalReceiver receiver({SIGUSR1});
      std::raise(SIGUSR1);
      CHECK(receiver.wait() == SIGUSR1);
      CHECK(log.empty());
      std::raise(SIGUSR1);  // nobody waits for this one
    }
    settle();
    CHECK(log == Log{"handler"});
    std::raise(SIGUSR1);
    settle();
    CHECK(log == Log{"handler", "handler"});
  });
}

TEST_CASE_FIXTURE(Program, "a handler that is added meanwhile takes its place, and stays") {
  testing::run([] {
    Log log;
    {
      SignalReceiver receiver({SIGUSR1});
      get_running_loop().add_signal_handler(SIGUSR1, [&] { log("handler"); });
      std::raise(SIGUSR1);
      CHECK_THROWS_AS(timeout(0s, [&] { receiver.wait(); }), TimeoutError);
    }
    std::raise(SIGUSR1);
    settle();
    CHECK(log == Log{"handler", "handler"});
  });
}

TEST_CASE_FIXTURE(Program, "Ctrl-C is run()'s again when it has been waited for") {
  const auto before = std::signal(SIGINT, SIG_DFL);
  Log log;
  CHECK_THROWS_AS(weft::run([&] {
                    get_running_loop().call_soon([] { std::raise(SIGINT); });
                    wait_signal(SIGINT, SIGTERM);
                    log("asked to stop");
                    std::raise(SIGINT);
                    sleep(1h);
                  }),
                  KeyboardInterrupt);
  CHECK(log == Log{"asked to stop"});
  std::signal(SIGINT, before);
}

TEST_CASE_FIXTURE(Program, "a loop that is closed during a wait puts back what was before") {
  {
    EventLoop loop;
    create_task({.loop = &loop}, [&] {
      loop.stop();
      wait_signal(SIGUSR1);
    });
    loop.set_exception_handler([](const ExceptionContext&) {});  // of the task that is left
    loop.run_forever();
    std::raise(SIGUSR1);
    CHECK(caught_by_program == 0);
  }
  CHECK(Program::is_back());
}

TEST_CASE_FIXTURE(Program, "a receiver may outlive its loop") {
  std::unique_ptr<SignalReceiver> receiver;
  weft::run([&] { receiver = std::make_unique<SignalReceiver>(std::initializer_list{SIGUSR1}); });
  CHECK(Program::is_back());
  weft::run([&] {
    CHECK(error_of([&] { receiver->wait(); }) ==
          "RuntimeError('SignalReceiver.wait: it was made in another event loop')");
  });
  receiver.reset();
  CHECK(Program::is_back());
}

TEST_CASE_FIXTURE(Program, "what is refused leaves nothing behind") {
  CHECK(error_of([] { SignalReceiver({SIGUSR1}); }) ==
        "RuntimeError('SignalReceiver: no running event loop')");
  testing::run([] {
    CHECK(error_of([] { SignalReceiver({}); }) == "ValueError('signals: there is none')");
    CHECK_THROWS_AS(SignalReceiver({SIGUSR1, 1000}), ValueError);
    CHECK_THROWS_AS(SignalReceiver({SIGUSR1, SIGKILL}), std::system_error);
    CHECK(Program::is_back());
    std::string in_callback;
    SignalReceiver receiver({SIGUSR1});
    get_running_loop().call_soon([&] { in_callback = error_of([&] { receiver.wait(); }); });
    settle();
    CHECK(in_callback == "RuntimeError('a wait outside a task: nothing here can be suspended')");
  });
  CHECK(Program::is_back());
}

TEST_SUITE_END();
