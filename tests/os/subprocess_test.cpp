// White-box: see processes.h.
#include <weft/os/subprocess.h>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "processes.h"

using namespace weft;
using testing::settle;

TEST_SUITE_BEGIN("Process");

namespace {

const std::string kMegabyte = [] {
  std::string text;
  for (int i = 0; text.size() < (std::size_t{1} << 20); ++i) text += std::to_string(i) + '\n';
  return text;
}();

}  // namespace

TEST_CASE_TEMPLATE("communicate() writes, reads both streams, and waits for the end", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    Process process = create_subprocess_shell(
        "cat; echo oops >&2; exit 3", {.stdin_ = kPipe, .stdout_ = kPipe, .stderr_ = kPipe});
    CHECK_FALSE(process.returncode());
    const auto [output, errors] = process.communicate("some input\n");
    CHECK(output == "some input\n");
    CHECK(errors == "oops\n");
    CHECK(process.returncode() == 3);
  });
}

TEST_CASE("a megabyte goes in, and comes back by two pipes, all at once") {
  run_with_children([] {
    Process process = create_subprocess_exec("tee", {"/dev/stderr"},
                                             {.stdin_ = kPipe, .stdout_ = kPipe, .stderr_ = kPipe});
    const auto [output, errors] = process.communicate(kMegabyte);
    CHECK((output == kMegabyte));
    CHECK((errors == kMegabyte));
    CHECK(process.returncode() == 0);
  });
}

TEST_CASE("that a process does not read its input is no error") {
  run_with_children([] {
    Process process = create_subprocess_exec("true", {}, {.stdin_ = kPipe, .stdout_ = kPipe});
    CHECK(process.communicate(kMegabyte).stdout_.empty());
    CHECK(process.returncode() == 0);
  });
}

TEST_CASE("input for a process that has ended is no error") {
  run_with_children([] {
    Process process = create_subprocess_exec("true", {}, {.stdin_ = kPipe});
    process.wait();
    process.communicate("late");
    CHECK(process.returncode() == 0);
  });
}

TEST_CASE("a process that closes its pipes early is waited for") {
  run_with_children([] {
    Process process = create_subprocess_shell("exec >&-; cat >/dev/null; exit 5",
                                              {.stdin_ = kPipe, .stdout_ = kPipe});
    CHECK(process.stdout_().read_all().empty());
    CHECK_FALSE(process.returncode());
    CHECK(process.communicate("x").stdout_.empty());
    CHECK(process.returncode() == 5);
  });
}

TEST_CASE("communicate() without input closes stdin") {
  run_with_children([] {
    Process process = start_cat();
    CHECK(process.communicate().stdout_.empty());
    CHECK(process.returncode() == 0);
  });
}

TEST_CASE("a dialogue goes line by line") {
  run_with_children([] {
    Process process = start_cat();
    for (const std::string line : {"one\n", "two\n", "three\n"}) {
      process.stdin_().write(line);
      CHECK(process.stdout_().readline() == line);
    }
    process.stdin_().close();
    CHECK(process.stdout_().readline().empty());
    CHECK(process.wait() == 0);
  });
}

TEST_CASE("stderr may lead where stdout does, in order") {
  run_with_children([] {
    CHECK(printed("echo one; echo two >&2; echo three", {.stderr_ = Stdio::Stdout}) ==
          "one\ntwo\nthree\n");
  });
}

TEST_CASE("DevNull is empty to read, and swallows what is written") {
  run_with_children([] {
    Process process =
        create_subprocess_exec("cat", {}, {.stdin_ = Stdio::DevNull, .stdout_ = kPipe});
    CHECK(process.communicate().stdout_.empty());
    CHECK(printed("echo lost >&2; echo kept", {.stderr_ = Stdio::DevNull}) == "kept\n");
  });
}

TEST_CASE("a descriptor as a stream stays the caller's") {
  run_with_children([] {
    PlainPipe pipe;
    Process process = create_subprocess_shell(
        "echo out; echo err >&2", {.stdout_ = pipe.writer.get(), .stderr_ = Stdio::Stdout});
    CHECK(process.wait() == 0);
    CHECK(::write(pipe.writer.get(), "mine\n", 5) == 5);
    CHECK(pipe.read_all() == "out\nerr\nmine\n");
  });
}

TEST_CASE("the standard streams of this process can be exchanged for the other one") {
  run_with_children([] {
    PlainPipe output, errors;
    const FileDescriptor out_before(::dup(1)), err_before(::dup(2));
    ::dup2(output.writer.get(), 1);
    ::dup2(errors.writer.get(), 2);
    Process process =
        create_subprocess_shell("echo out; echo err >&2", {.stdout_ = 2, .stderr_ = 1});
    ::dup2(out_before.get(), 1);
    ::dup2(err_before.get(), 2);
    CHECK(process.wait() == 0);
    CHECK(output.read_all() == "err\n");
    CHECK(errors.read_all() == "out\n");
  });
}

TEST_CASE("streams that are no pipes are refused, and so is input for them") {
  run_with_children([] {
    Process process = create_subprocess_exec("true");
    CHECK(error_of([&] { process.stdin_(); }) == "RuntimeError('stdin_: it is no pipe')");
    CHECK(error_of([&] { process.stdout_(); }) == "RuntimeError('stdout_: it is no pipe')");
    CHECK(error_of([&] { process.stderr_(); }) == "RuntimeError('stderr_: it is no pipe')");
    CHECK(error_of([&] { process.communicate("x"); }) ==
          "ValueError('input: the stdin of the process is no pipe')");
    process.communicate();
    CHECK(process.returncode() == 0);
  });
}

TEST_CASE("input can be given once") {
  run_with_children([] {
    Process process = start_cat();
    CHECK(process.communicate("x").stdout_ == "x");
    CHECK(error_of([&] { process.communicate("y"); }) ==
          "ValueError('Cannot send input after starting communication')");
    CHECK(process.communicate().stdout_.empty());
  });
}

TEST_CASE("the end by a signal is told apart from the end by itself") {
  run_with_children([] {
    Process killed = start_cat();
    killed.kill();
    CHECK(killed.wait() == -SIGKILL);
    CHECK(killed.killed_by() == SIGKILL);
    Process exited = create_subprocess_shell("exit 9");
    CHECK_FALSE(exited.killed_by());
    CHECK(exited.wait() == SIGKILL);
    CHECK_FALSE(exited.killed_by());
  });
}

TEST_CASE_TEMPLATE("terminate() sends a signal that can be handled", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    Process process =
        create_subprocess_shell("trap 'echo got it; exit 7' TERM; echo ready; read line",
                                {.stdin_ = kPipe, .stdout_ = kPipe});
    CHECK(process.stdout_().readline() == "ready\n");
    process.terminate();
    CHECK(process.stdout_().readline() == "got it\n");
    CHECK(process.wait() == 7);
    Process other = start_cat();
    other.terminate();
    CHECK(other.wait() == -SIGTERM);
  });
}

TEST_CASE_TEMPLATE("a signal for a process that has ended has no effect", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    Process process = create_subprocess_exec("true");
    block_until_ended(process.pid());
    process.kill();  // the loop does not know yet
    CHECK(process.wait() == 0);
    process.kill();
    process.send_signal(SIGUSR1);
    CHECK(process.returncode() == 0);
  });
}

TEST_CASE_TEMPLATE("a number that is no signal is refused", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    Process process = start_cat();
    CHECK(errno_of([&] { process.send_signal(1000); }) == EINVAL);
    CHECK(contains(error_of([&] { process.send_signal(1000); }), "with signal 1000"));
    process.communicate();
  });
}

TEST_CASE("copies of a handle mean the same process") {
  run_with_children([] {
    Process process = start_cat();
    Process copy = process;
    CHECK(copy.communicate("x").stdout_ == "x");
    CHECK(process.returncode() == 0);
    CHECK(process.pid() == copy.pid());
  });
}

TEST_CASE_TEMPLATE("one that is dropped goes on without pipes, and leaves no zombie", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    PlainPipe witness;
    (void)create_subprocess_shell("cat; echo 'the end of its input' >" + path_of(witness.writer),
                                  {.stdin_ = kPipe, .pass_fds = {witness.writer.get()}});
    CHECK(has_child());
    while (has_child()) settle();
    CHECK(witness.read_all() == "the end of its input\n");
  });
}

TEST_CASE("many run side by side") {
  run_with_children([] {
    std::vector<Process> all;
    for (int i = 0; i < 20; ++i) all.push_back(start_cat());
    for (std::size_t i = 0; i < all.size(); ++i)
      CHECK(all[i].communicate(std::to_string(i)).stdout_ == std::to_string(i));
  });
}

TEST_SUITE_END();
