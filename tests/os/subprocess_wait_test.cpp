// White-box: see processes.h. What waits for processes, cancelled or not.
#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <weft/io/fd.h>
#include <weft/os/subprocess.h>
#include <weft/task/run.h>
#include <weft/task/timeout.h>

#include "processes.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle;
using testing::turns;

TEST_SUITE_BEGIN("waits for a Process");

namespace {

bool is_alive(const Process& process) { return ::kill(process.pid(), 0) == 0; }

void end(Process& process) {
  process.kill();
  CHECK(process.wait() == -SIGKILL);
}

}  // namespace

TEST_CASE_TEMPLATE("wait() returns the return code, to all who wait", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    Process process = create_subprocess_shell("read line; exit 4", {.stdin_ = kPipe});
    const auto a = create_task([&] { return process.wait(); });
    const auto b = create_task([&] { return process.wait(); });
    settle();
    CHECK_FALSE(a.done());
    process.stdin_().write("go on\n");
    CHECK(a.await() == 4);
    CHECK(b.await() == 4);
    CHECK(process.returncode() == 4);
  });
}

TEST_CASE("wait() for a process that has ended does not suspend") {
  run_with_children([] {
    Process process = create_subprocess_exec("false");
    process.wait();
    CHECK(turns([&] { CHECK(process.wait() == 1); }) == 0);
  });
}

TEST_CASE("a task that was cancelled before does not wait, and the process goes on") {
  run_with_children([] {
    Process process = start_cat();
    current_task().cancel();
    CHECK_THROWS_AS(process.wait(), CancelledError);
    current_task().uncancel();
    CHECK(is_alive(process));
    end(process);
  });
}

TEST_CASE_TEMPLATE("a wait() that is cancelled leaves the process alive and usable", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    Process process = start_cat();
    const auto task = create_task([&] { process.wait(); });
    settle();
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK(is_alive(process));
    CHECK(process.communicate("still here").stdout_ == "still here");
  });
}

TEST_CASE("a wait() that is cancelled when the end has come loses nothing") {
  run_with_children([] {
    Process process = start_cat();
    std::optional<Task<int>> second;
    const auto first = create_task([&] {
      process.wait();
      second->cancel();  // it has been woken as well
    });
    second = create_task([&] { return process.wait(); });
    settle();
    process.kill();
    first.await();
    CHECK_THROWS_AS(second->await(), CancelledError);
    CHECK(process.returncode() == -SIGKILL);
    CHECK(process.wait() == -SIGKILL);
  });
}

TEST_CASE("a limit on wait() leaves the process alone") {
  run_with_children([] {
    Process process = start_cat();
    CHECK_THROWS_AS(timeout(0s, [&] { process.wait(); }), TimeoutError);
    CHECK(is_alive(process));
    end(process);
  });
}

TEST_CASE("a process that never ends is killed after a time") {
  run_with_children([] {
    Process process = create_subprocess_exec("sleep", {"1000000"});
    try {
      timeout(50ms, [&] { process.wait(); });
    } catch (const TimeoutError&) {
      process.kill();
    }
    CHECK(process.wait() == -SIGKILL);
  });
}

TEST_CASE("wait() outside a task, or in another loop, is refused") {
  run_with_children([] {
    Process process = start_cat();
    std::string in_callback;
    get_running_loop().call_soon([&] { in_callback = error_of([&] { process.wait(); }); });
    settle();
    CHECK(in_callback == "RuntimeError('a wait outside a task: nothing here can be suspended')");
    std::string elsewhere;
    std::thread([&] { weft::run([&] { elsewhere = error_of([&] { process.wait(); }); }); }).join();
    CHECK(elsewhere ==
          "RuntimeError('Process.wait: the process was started by another event loop')");
    end(process);
  });
}

TEST_CASE_TEMPLATE("one that outlives its loop is reaped when the next one is started", S,
                   SYSTEMS) {
  const S system;
  std::optional<Process> process;
  {
    EventLoop loop;
    create_task({.loop = &loop}, [&] {
      process = create_subprocess_exec("sleep", {"1000000"});
      loop.stop();
      process->wait();
    });
    loop.set_exception_handler([](const ExceptionContext&) {});  // of the task that is left
    loop.run_forever();
  }
  CHECK(is_alive(*process));
  CHECK_FALSE(process->returncode());
  CHECK(error_of([&] { process->wait(); }) ==
        "RuntimeError('Process.wait: the loop that started the process is closed')");
  CHECK(error_of([&] { process->kill(); }) ==
        "RuntimeError('Process.send_signal: the loop that started the process is closed')");
  ::kill(process->pid(), SIGKILL);
  block_until_ended(process->pid());
  testing::run([] { create_subprocess_exec("true").wait(); });
  CHECK_FALSE(has_child());
}

namespace {

/// Gives stderr what it reads, closes that, says so, and waits to be let go on.
struct Gated {
  PlainPipe closed;
  PlainPipe gate;
  Process process =
      create_subprocess_shell("cat >&2; exec 2>&-; echo >" + path_of(closed.writer) +
                                  "; read line <" + path_of(gate.reader) + "; echo \"$line\"",
                              {.stdin_ = kPipe,
                               .stdout_ = kPipe,
                               .stderr_ = kPipe,
                               .pass_fds = {closed.writer.get(), gate.reader.get()}});

  void wait_until_closed() {
    wait_readable(closed.reader.get());
    settle();
  }
  void open() { CHECK(::write(gate.writer.get(), "go\n", 3) == 3); }
};

}  // namespace

TEST_CASE("a communicate() that is cancelled loses nothing: the next one returns it") {
  run_with_children([] {
    Gated it;
    const auto task = create_task([&] { it.process.communicate("input"); });
    it.wait_until_closed();
    task.cancel();
    CHECK_THROWS_AS(task.await(), CancelledError);
    CHECK(is_alive(it.process));
    it.open();
    const auto [output, errors] = it.process.communicate();
    CHECK(output == "go\n");
    CHECK(errors == "input");
    CHECK(it.process.returncode() == 0);
  });
}

TEST_CASE("a communicate() of a task that was cancelled before gives its input all the same") {
  run_with_children([] {
    Process process = start_cat();
    current_task().cancel();
    CHECK_THROWS_AS(process.communicate("input"), CancelledError);
    current_task().uncancel();
    CHECK(process.communicate().stdout_ == "input");
  });
}

TEST_CASE("a limit on communicate() leaves the process alive and usable") {
  run_with_children([] {
    Gated it;
    CHECK_THROWS_AS(timeout(0s, [&] { it.process.communicate("input"); }), TimeoutError);
    it.open();
    const auto [output, errors] = it.process.communicate();
    CHECK(output == "go\n");
    CHECK(errors == "input");
  });
}

TEST_CASE("a communicate() that is cancelled when the end has come loses nothing") {
  run_with_children([] {
    const PlainPipe gate;
    Process process = create_subprocess_shell(
        "cat; exec >&-; read line <" + path_of(gate.reader),
        {.stdin_ = kPipe, .stdout_ = kPipe, .pass_fds = {gate.reader.get()}});
    std::optional<Task<>> talk;
    const auto first = create_task([&] {
      process.wait();
      talk->cancel();  // it has been woken as well
    });
    talk = create_task([&] { process.communicate("input"); });
    while (AnyTask(*talk).waits_for() != "Process.wait") settle();
    CHECK(::write(gate.writer.get(), "\n", 1) == 1);
    first.await();
    CHECK_THROWS_AS(talk->await(), CancelledError);
    CHECK(process.communicate().stdout_ == "input");
    CHECK(process.returncode() == 0);
  });
}

TEST_CASE("a loop that is closed during communicate() leaves the process, without pipes") {
  std::optional<int> pid;
  {
    EventLoop loop;
    create_task({.loop = &loop}, [&] {
      Process process = start_cat();
      pid = process.pid();
      process.stdin_().write("x");
      CHECK(process.stdout_().read(1) == "x");
      loop.stop();
      process.stdout_().read(1);
    });
    loop.set_exception_handler([](const ExceptionContext&) {});  // of the task that is left
    loop.run_forever();
  }
  siginfo_t info{};  // its stdin was closed: it ends, and may have been reaped by now
  ::waitid(P_PID, id_t(*pid), &info, WEXITED | WNOWAIT);
  testing::run([] { create_subprocess_exec("true").wait(); });
  CHECK_FALSE(has_child());
}

TEST_CASE("two tasks cannot communicate() at once") {
  run_with_children([] {
    Gated it;
    const auto first = create_task([&] { return it.process.communicate("input").stderr_; });
    settle();
    CHECK(contains(error_of([&] { it.process.communicate(); }),
                   "called while another coroutine is already waiting for incoming data"));
    it.open();
    CHECK(first.await() == "input");
  });
}

TEST_CASE("a child that somebody else has waited for ends with 255, and that is told") {
  std::string told;
  run_with_children([&] {
    get_running_loop().set_exception_handler(
        [&](const ExceptionContext& context) { told = context.message; });
    Process process = start_cat();
    process.kill();
    ::waitpid(process.pid(), nullptr, 0);
    CHECK(process.wait() == 255);
    CHECK(told == "child process pid " + std::to_string(process.pid()) +
                      " exit status already read:  will report returncode 255");
  });
}

TEST_SUITE_END();
