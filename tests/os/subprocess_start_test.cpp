// White-box: see processes.h. What a process begins with, and what keeps it from beginning.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include <weft/os/subprocess.h>

#include "processes.h"

using namespace weft;

TEST_SUITE_BEGIN("the start of a Process");

namespace {

/// A folder that goes with it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string path() const { return path_.string(); }

  /// A file that may be executed.
  std::string program(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

/// The line of /proc/self/status of a new process that begins so.
std::string status_line(const std::string& begin, const SubprocessOptions& options = {}) {
  SubprocessOptions piped = options;
  piped.stdout_ = kPipe;
  const std::string all =
      create_subprocess_exec("cat", {"/proc/self/status"}, piped).communicate().stdout_;
  const auto at = all.find("\n" + begin) + 1;
  return all.substr(at, all.find('\n', at) - at);
}

/// Blocks SIGUSR1, ignores SIGPIPE and SIGUSR2, handles SIGHUP; and puts that back.
class OddSignals {
 public:
  OddSignals() {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &one, &mask_);
    pipe_ = std::signal(SIGPIPE, SIG_IGN);
    usr2_ = std::signal(SIGUSR2, SIG_IGN);
    hup_ = std::signal(SIGHUP, [](int) {});
  }
  OddSignals(const OddSignals&) = delete;
  OddSignals& operator=(const OddSignals&) = delete;
  ~OddSignals() {
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    std::signal(SIGPIPE, pipe_);
    std::signal(SIGUSR2, usr2_);
    std::signal(SIGHUP, hup_);
  }

 private:
  sigset_t mask_;
  void (*pipe_)(int);
  void (*usr2_)(int);
  void (*hup_)(int);
};

bool is_ignored(int signal, const std::string& line) {
  const auto bits = std::stoull(line.substr(line.find('\t')), nullptr, 16);
  return (bits >> (signal - 1) & 1) != 0;
}

}  // namespace

TEST_CASE_TEMPLATE("a program that is not there is a system_error that names it", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    const auto start = [] { create_subprocess_exec("no-such-program", {}, {.stdin_ = kPipe}); };
    CHECK(errno_of(start) == ENOENT);
    CHECK(contains(error_of(start), "execve of 'no-such-program'"));
    CHECK(errno_of([] { create_subprocess_exec("/no/such/program"); }) == ENOENT);
    CHECK(errno_of([] { create_subprocess_exec("/etc/passwd/program"); }) == ENOTDIR);
  });
}

TEST_CASE("one that cannot be executed is told as that") {
  run_with_children([] {
    const Folder folder;
    CHECK(errno_of([&] { create_subprocess_exec(folder.path()); }) == EACCES);
    const std::string text = folder.program("text", "no program\n");
    CHECK(errno_of([&] { create_subprocess_exec(text); }) == ENOEXEC);
    // What is found first is not hidden by folders in which there is nothing.
    std::filesystem::create_directory(folder.path() + "/tool");
    const Environment env{{"PATH", folder.path() + ":/nowhere"}};
    CHECK(errno_of([&] { create_subprocess_exec("tool", {}, {.env = env}); }) == EACCES);
  });
}

TEST_CASE_TEMPLATE("a folder that is not there is told apart from the program", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    const auto start = [] { create_subprocess_exec("pwd", {}, {.cwd = "/nowhere"}); };
    CHECK(errno_of(start) == ENOENT);
    CHECK(contains(error_of(start), "chdir to '/nowhere' for 'pwd'"));
  });
}

TEST_CASE("arguments come as they are given") {
  run_with_children([] {
    Process process =
        create_subprocess_exec("printf", {"<%s>", "a b", "", "$HOME", "'\"\\"}, {.stdout_ = kPipe});
    CHECK(process.communicate().stdout_ == "<a b><><$HOME><'\"\\>");
  });
}

TEST_CASE("a process begins in the folder that is named") {
  run_with_children([] {
    const Folder folder;
    const std::string there = std::filesystem::canonical(folder.path()).string();
    CHECK(printed("pwd -P", {.cwd = folder.path()}) == there + "\n");
    CHECK(printed("pwd -P") == std::filesystem::current_path().string() + "\n");
    folder.program("tool", "#!/bin/sh\necho relative\n");
    Process process =
        create_subprocess_exec("./tool", {}, {.stdout_ = kPipe, .cwd = folder.path()});
    CHECK(process.communicate().stdout_ == "relative\n");
  });
}

TEST_CASE_TEMPLATE("an environment replaces this process's", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    Process process = create_subprocess_exec(
        "env", {}, {.stdout_ = kPipe, .env = Environment{{"A", "1"}, {"B", "x=y"}}});
    CHECK(process.communicate().stdout_ == "A=1\nB=x=y\n");
  });
}

TEST_CASE("without one it is this process's, of which a copy can be changed") {
  run_with_children([] {
    ::setenv("WEFT_TEST_VARIABLE", "here", 1);
    CHECK(printed("echo $WEFT_TEST_VARIABLE") == "here\n");
    Environment changed = current_environment();
    CHECK(changed.at("WEFT_TEST_VARIABLE") == "here");
    changed["WEFT_TEST_VARIABLE"] = "changed";
    CHECK(printed("echo $WEFT_TEST_VARIABLE", {.env = changed}) == "changed\n");
    ::unsetenv("WEFT_TEST_VARIABLE");
  });
}

TEST_CASE("a program is searched for in the PATH that it will have") {
  run_with_children([] {
    const Folder folder;
    folder.program("weft-tool", "#!/bin/sh\necho found\n");
    const Environment env{{"PATH", "/nowhere:" + folder.path()}};
    Process process = create_subprocess_exec("weft-tool", {}, {.stdout_ = kPipe, .env = env});
    CHECK(process.communicate().stdout_ == "found\n");
    CHECK(errno_of([] { create_subprocess_exec("weft-tool"); }) == ENOENT);
  });
}

TEST_CASE_TEMPLATE("a process has no descriptors but its streams and those it is passed", S,
                   SYSTEMS) {
  const S system;
  run_with_children([] {
    const PlainPipe leaky;  // not close-on-exec
    const std::string list = "ls /proc/$$/fd; true";
    CHECK(printed(list, {.stdin_ = Stdio::DevNull, .stderr_ = kPipe}) == "0\n1\n2\n");
    const int passed = leaky.writer.get();
    ::fcntl(passed, F_SETFD, FD_CLOEXEC);
    CHECK(printed(list, {.stdin_ = kPipe, .pass_fds = {passed}}) ==
          "0\n1\n2\n" + std::to_string(passed) + "\n");
    CHECK((::fcntl(passed, F_GETFD) & FD_CLOEXEC) != 0);  // here nothing has changed
    CHECK((::fcntl(leaky.reader.get(), F_GETFD) & FD_CLOEXEC) == 0);
  });
}

TEST_CASE("what is passed is the descriptor itself") {
  run_with_children([] {
    PlainPipe pipe;
    Process process = create_subprocess_shell("echo hello >" + path_of(pipe.writer),
                                              {.pass_fds = {pipe.writer.get()}});
    CHECK(process.wait() == 0);
    CHECK(pipe.read_all() == "hello\n");
  });
}

TEST_CASE_TEMPLATE("signals are not blocked, and SIGPIPE is not ignored", S, SYSTEMS) {
  const S system;
  run_with_children([] {
    const OddSignals odd;
    CHECK(status_line("SigBlk") == "SigBlk:\t0000000000000000");
    CHECK(status_line("SigCgt") == "SigCgt:\t0000000000000000");
    const std::string ignored = status_line("SigIgn");
    CHECK_FALSE(is_ignored(SIGPIPE, ignored));
    CHECK(is_ignored(SIGUSR2, ignored));
    CHECK_FALSE(is_ignored(SIGHUP, ignored));
    CHECK(is_ignored(SIGPIPE, status_line("SigIgn", {.restore_signals = false})));
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGUSR1) == 1);  // here nothing has changed
    CHECK(sigismember(&mask, SIGUSR2) == 0);
  });
}

TEST_CASE("a session of its own, if that is asked for") {
  run_with_children([] {
    Process same = start_cat();
    Process own = create_subprocess_exec("cat", {}, {.stdin_ = kPipe, .start_new_session = true});
    CHECK(::getsid(same.pid()) == ::getsid(0));
    CHECK(::getsid(own.pid()) == own.pid());
    same.communicate();
    own.communicate();
  });
}

TEST_CASE("streams are right where this process has none") {
  run_with_children([] {
    const FileDescriptor in_before(::dup(0));
    ::close(0);  // the next descriptor that is opened is this one
    const std::string output = printed("cat; echo out", {.stdin_ = Stdio::DevNull});
    Process process = start_cat();
    CHECK(process.communicate("x").stdout_ == "x");
    ::dup2(in_before.get(), 0);
    CHECK(output == "out\n");
  });
}

TEST_CASE("arguments that cannot be are refused by name") {
  run_with_children([] {
    const auto start = [](const SubprocessOptions& options) {
      return error_of([&] { create_subprocess_exec("true", {}, options); });
    };
    const std::string null("a\0b", 3);
    CHECK(error_of([] { create_subprocess_exec(""); }) == "ValueError('program: it is empty')");
    CHECK(error_of([&] { create_subprocess_exec(null); }) ==
          "ValueError('program: embedded null byte')");
    CHECK(error_of([&] { create_subprocess_exec("true", {null}); }) ==
          "ValueError('args: embedded null byte')");
    CHECK(error_of([&] { create_subprocess_shell(null); }) ==
          "ValueError('command: embedded null byte')");
    CHECK(start({.env = Environment{{"A", null}}}) == "ValueError('env: embedded null byte')");
    CHECK(start({.env = Environment{{"A=B", "x"}}}) ==
          "ValueError('env: illegal environment variable name 'A=B'')");
    CHECK(start({.cwd = null}) == "ValueError('cwd: embedded null byte')");
    CHECK(start({.stdin_ = -2}) == "ValueError('stdin_: -2 is no descriptor')");
    CHECK(start({.stdout_ = Stdio::Stdout}) == "ValueError('STDOUT can only be used for stderr')");
    CHECK(start({.pass_fds = {-1}}) == "ValueError('pass_fds: -1 is no descriptor')");
    CHECK(start({.stdout_ = kPipe, .limit = 0}) == "ValueError('Limit cannot be <= 0')");
  });
}

TEST_CASE("descriptors that are not open are a system_error that names them") {
  run_with_children([] {
    constexpr int kNone = 987;
    const auto start = [](const SubprocessOptions& options) {
      create_subprocess_exec("true", {}, options);
    };
    CHECK(errno_of([&] { start({.stdout_ = kNone}); }) == EBADF);
    CHECK(contains(error_of([&] { start({.stdout_ = kNone}); }), "stdout_, 987"));
    CHECK(errno_of([&] { start({.pass_fds = {kNone}}); }) == EBADF);
    CHECK(contains(error_of([&] { start({.pass_fds = {kNone}}); }), "pass_fds, 987"));
  });
}

TEST_CASE("outside a loop nothing is started") {
  CHECK(error_of([] { create_subprocess_exec("true"); }) ==
        "RuntimeError('create_subprocess_exec: no running event loop')");
  CHECK_FALSE(has_child());
}

TEST_SUITE_END();
