// Programs that run beside this one: started, talked to, waited for. Layer: os.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/io/stream_reader.h>
#include <weft/io/stream_writer.h>

namespace weft {

/// Where a standard stream of a new process leads: `.stdout_ = Stdio::Pipe`, or a descriptor, as
/// in `.stdout_ = log.get()`, which stays the caller's.
///
/// Source: subprocess.PIPE, DEVNULL, STDOUT
class Stdio {
 public:
  enum Kind : unsigned char {
    Inherit,  ///< where this process's leads
    Pipe,     ///< to this process: Process::stdin_(), stdout_(), stderr_()
    DevNull,  ///< to /dev/null
    Stdout,   ///< of stderr_ only: where stdout_ leads
    Descriptor
  };

  constexpr Stdio(Kind kind = Inherit) noexcept : kind_(kind) {}
  constexpr Stdio(int fd) noexcept : kind_(Descriptor), fd_(fd) {}

  constexpr Kind kind() const noexcept { return kind_; }
  /// -1 if it is no descriptor.
  constexpr int fd() const noexcept { return fd_; }

 private:
  Kind kind_;
  int fd_ = -1;
};

/// Names and values.
using Environment = std::map<std::string, std::string>;

/// A copy of this process's, to be changed and given to another one. Source: os.environ
Environment current_environment();

/// The streams have an underscore since `stdin` and its like are macros on many systems.
struct SubprocessOptions {
  Stdio stdin_ = {};
  Stdio stdout_ = {};
  Stdio stderr_ = {};

  std::optional<Environment> env = {};  ///< none: this process's
  std::string cwd = {};                 ///< the folder in which it begins; empty: this process's

  /// In a session and process group of its own: Ctrl-C in the terminal does not reach it.
  bool start_new_session = false;

  /// Descriptors that it has as well, by the same numbers. It has none but these and its streams.
  std::vector<int> pass_fds = {};

  /// SIGPIPE and SIGXFSZ do what they do by default, though this process may ignore them. Other
  /// signals that it ignores stay ignored (as nohup has it), those that it handles do what they do
  /// by default, and none is blocked.
  bool restore_signals = true;

  std::size_t limit = kStreamLimit;  ///< of lines, in bytes
};

/// A process that was started. Copies mean the same one.
///
/// When the last copy goes, the pipes are closed, stdin behind what is buffered for it. The process
/// itself goes on, as in asyncio, and its end is seen to when it comes: it does not stay behind as
/// a zombie. If the loop is closed before that, this happens when the next process is started.
///
/// Its end is told by a descriptor of the system's, or by a thread where there is none. No handler
/// of SIGCHLD is set. If that signal is ignored, or another part of the program waits for any
/// child, how this one ended may be lost: the return code is 255, and the loop's exception handler
/// is told.
///
/// Requires: it outlives waits on its streams (checked: the process is aborted).
/// Thread:   the loop's.
/// Source:   asyncio.subprocess.Process. Differs: see wait() and send_signal().
class Process {
 public:
  int pid() const noexcept;

  /// What it ended with; -N if signal N has killed it. None while it runs, and until a turn of the
  /// loop has been told of its end.
  std::optional<int> returncode() const noexcept;

  /// The signal that has killed it. None while it runs, or if it has ended by itself.
  std::optional<int> killed_by() const noexcept;

  /// Returns the return code. Pipes are not looked at: who waits for a process before having read
  /// what it writes may wait for ever, since it cannot go on when a pipe is full. communicate()
  /// does both.
  ///
  /// Suspends:  until it has ended; not at all if it has.
  /// Cancelled: CancelledError; it goes on.
  /// Throws:    RuntimeError outside a task, in another loop than the one that started it, or if
  ///            that is closed. Differs: asyncio's waits until the pipes are closed, too.
  int wait();

  /// What a process has written; empty for what is no pipe.
  struct Output {
    std::string stdout_;
    std::string stderr_;
  };

  /// Writes `input` to its stdin and closes that, reads all that it writes, and waits for its end,
  /// all at once. That it does not want to read all its input is no error.
  ///
  /// Suspends:  until it has ended, and closed its pipes.
  /// Cancelled: CancelledError; it goes on, the rest of the input is still written, and nothing of
  ///            what it has written is lost: the next call returns that.
  /// Throws:    what its streams throw; ValueError if there is input, but stdin is no pipe, or has
  ///            been given some by an earlier call. RuntimeError as wait().
  /// Source:    asyncio.subprocess.Process.communicate (3.12: stdin is closed in any case)
  Output communicate(std::string_view input = {});

  /// Sends it a signal. No effect if it has ended, also if that has not been told yet.
  ///
  /// Throws: std::system_error that names kill: EINVAL if there is no such signal, EPERM if it
  ///         belongs to somebody else now. Differs: asyncio's throws ProcessLookupError sometimes.
  void send_signal(int signal);
  /// SIGTERM, which it may handle.
  void terminate();
  /// SIGKILL, which it cannot.
  void kill();

  /// Its streams. Throws: RuntimeError if they are no pipes.
  StreamWriter& stdin_() const;
  StreamReader& stdout_() const;
  StreamReader& stderr_() const;

 private:
  friend Process create_subprocess_exec(const std::string&, const std::vector<std::string>&,
                                        const SubprocessOptions&);
  struct State;
  explicit Process(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// Starts a program with arguments: `create_subprocess_exec("ls", {"-l", folder})`. If its name has
/// no '/' in it, it is searched for in the PATH of its environment. The call blocks until the
/// program has begun, or could not.
///
/// Throws: std::system_error that names what failed: "execve of 'nosuch'" (ENOENT, EACCES, ENOEXEC
///         for a script without #!), "chdir to '/nowhere' for 'ls'", "fork for 'ls'" (EAGAIN),
///         EBADF for a descriptor that is none, EMFILE. ValueError that names the argument, also
///         for a text with a null byte; RuntimeError outside a loop.
/// Source: asyncio.create_subprocess_exec
Process create_subprocess_exec(const std::string& program,
                               const std::vector<std::string>& args = {},
                               const SubprocessOptions& options = {});

/// Has /bin/sh run `command`. Words that come from elsewhere have to be quoted for it.
///
/// Throws: as create_subprocess_exec(). Source: asyncio.create_subprocess_shell
Process create_subprocess_shell(const std::string& command, const SubprocessOptions& options = {});

}  // namespace weft
