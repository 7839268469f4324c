#include <weft/os/subprocess.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/io/pipe.h>
#include <weft/task/gather.h>

#include "base/system.h"
#include "os/child.h"
#include "os/spawn.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not every system declares it

namespace weft {

namespace {

using detail::raise_errno;

constexpr const char* kDefaultPath = "/bin:/usr/bin";
constexpr std::array<const char*, 3> kNames{"stdin_", "stdout_", "stderr_"};

/// What the two processes have of a stream.
struct Ends {
  FileDescriptor ours;
  FileDescriptor childs;
};

Ends open_stream(std::size_t target, const Stdio& stdio, const Ends* output) {
  switch (stdio.kind()) {
    case Stdio::Inherit:
      break;
    case Stdio::Pipe: {
      int ends[2];
      if (detail::open_pipe(ends) != 0) raise_errno("pipe");
      FileDescriptor reader(ends[0]), writer(ends[1]);
      if (target == 0) return {std::move(writer), detail::above_streams(std::move(reader))};
      return {std::move(reader), detail::above_streams(std::move(writer))};
    }
    case Stdio::DevNull: {
      FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
      if (!null) raise_errno("open /dev/null");
      return {{}, detail::above_streams(std::move(null))};
    }
    case Stdio::Stdout: {
      if (!output) throw ValueError("STDOUT can only be used for stderr");
      const int fd = output->childs ? output->childs.get() : STDOUT_FILENO;
      return {{}, detail::copy_above_streams(fd, "stdout")};
    }
    case Stdio::Descriptor:
      if (stdio.fd() < 0)
        throw ValueError(fmt::format("{}: {} is no descriptor", kNames[target], stdio.fd()));
      return {{}, detail::copy_above_streams(stdio.fd(), kNames[target])};
  }
  return {};
}

std::string checked(const char* name, const std::string& text) {
  if (text.find('\0') != text.npos) throw ValueError(fmt::format("{}: embedded null byte", name));
  return text;
}

std::vector<std::string> checked(const Environment& variables) {
  std::vector<std::string> all;
  for (const auto& [name, value] : variables) {
    if (name.empty() || name.find('=') != name.npos)
      throw ValueError(fmt::format("env: illegal environment variable name '{}'", name));
    all.push_back(checked("env", name + '=' + value));
  }
  return all;
}

std::string path_of(const SubprocessOptions& options) {
  if (options.env) {
    const auto it = options.env->find("PATH");
    return it == options.env->end() ? kDefaultPath : it->second;
  }
  const char* path = std::getenv("PATH");
  return path ? path : kDefaultPath;
}

std::vector<std::string> candidates(const std::string& program, const std::string& path) {
  if (program.find('/') != program.npos) return {program};
  std::vector<std::string> all;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    all.push_back(folder.empty() ? "./" + program : folder + '/' + program);
    begin = end + 1;
  }
  return all;
}

detail::SpawnPlan plan_for(const std::string& program, const std::vector<std::string>& args,
                           const SubprocessOptions& options) {
  if (program.empty()) throw ValueError("program: it is empty");
  detail::SpawnPlan plan;
  plan.program = checked("program", program);
  plan.folder = checked("cwd", options.cwd);
  plan.arguments.push_back(program);
  for (const std::string& argument : args) plan.arguments.push_back(checked("args", argument));
  plan.own_environment = options.env.has_value();
  if (options.env) plan.environment = checked(*options.env);
  plan.paths = candidates(program, checked("env", path_of(options)));
  for (const int fd : options.pass_fds) {
    if (fd < 0) throw ValueError(fmt::format("pass_fds: {} is no descriptor", fd));
    if (::fcntl(fd, F_GETFD) == -1) raise_errno(fmt::format("fcntl for pass_fds, {}", fd));
  }
  plan.passed = options.pass_fds;
  plan.new_session = options.start_new_session;
  plan.restore_signals = options.restore_signals;
  return plan;
}

/// Closed when it has been read, as asyncio's. `text` is empty before.
void read_to_end(std::optional<StreamReader>& reader, std::string& text) {
  if (!reader || reader->stream().closed()) return;
  text = reader->read_all();
  reader->stream().close();
}

}  // namespace

struct Process::State {
  std::shared_ptr<detail::Child> child;
  std::optional<StreamWriter> in = {};
  std::optional<StreamReader> out = {};
  std::optional<StreamReader> errors = {};
  bool was_fed = false;  // by communicate()
  Output output = {};    // what that has read to its end; kept if it is cancelled

  void connect(std::array<Ends, 3>& ends, std::size_t limit);
  void feed(std::string_view input);
  void wait_until_fed();
};

void Process::State::connect(std::array<Ends, 3>& ends, std::size_t limit) {
  if (ends[0].ours) in.emplace(PipeStream::adopt({}, std::move(ends[0].ours)));
  if (ends[1].ours) out.emplace(PipeStream::adopt(std::move(ends[1].ours)), limit);
  if (ends[2].ours) errors.emplace(PipeStream::adopt(std::move(ends[2].ours)), limit);
}

/// The writer's own task writes what does not go at once, and closes the pipe behind it.
void Process::State::feed(std::string_view input) {
  if (!input.empty()) {
    if (!in) throw ValueError("input: the stdin of the process is no pipe");
    if (was_fed) throw ValueError("Cannot send input after starting communication");
  }
  was_fed = true;
  if (!in) return;
  try {
    if (!input.empty()) in->write(input);
  } catch (const std::system_error& error) {
    if (error.code().value() != EPIPE && error.code().value() != ECONNRESET) throw;
  }
  in->close();
}

void Process::State::wait_until_fed() {
  if (!in) return;
  try {
    in->wait_closed();
  } catch (const std::system_error& error) {
    if (error.code().value() != EPIPE && error.code().value() != ECONNRESET) throw;
  }
}

int Process::pid() const noexcept { return state_->child->pid; }

std::optional<int> Process::returncode() const noexcept { return state_->child->returncode; }

std::optional<int> Process::killed_by() const noexcept {
  const std::optional<int> code = returncode();
  return code && *code < 0 ? std::optional(-*code) : std::nullopt;
}

int Process::wait() {
  const std::shared_ptr<detail::Child> child = state_->child;  // the handle may go meanwhile
  return child->wait();
}

Process::Output Process::communicate(std::string_view input) {
  const std::shared_ptr<State> it = state_;
  it->feed(input);
  const auto read_out = [it] { read_to_end(it->out, it->output.stdout_); };
  const auto read_errors = [it] { read_to_end(it->errors, it->output.stderr_); };
  if (it->out && it->errors) {
    gather(read_out, read_errors);
  } else {
    read_out();
    read_errors();
  }
  it->wait_until_fed();
  it->child->wait();
  return std::exchange(it->output, {});
}

void Process::send_signal(int signal) { state_->child->send_signal(signal); }
void Process::terminate() { send_signal(SIGTERM); }
void Process::kill() { send_signal(SIGKILL); }

StreamWriter& Process::stdin_() const {
  if (!state_->in) throw RuntimeError("stdin_: it is no pipe");
  return *state_->in;
}

StreamReader& Process::stdout_() const {
  if (!state_->out) throw RuntimeError("stdout_: it is no pipe");
  return *state_->out;
}

StreamReader& Process::stderr_() const {
  if (!state_->errors) throw RuntimeError("stderr_: it is no pipe");
  return *state_->errors;
}

Environment current_environment() {
  Environment all;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const std::size_t end = text.find('=');
    if (end != text.npos) all.emplace(text.substr(0, end), text.substr(end + 1));
  }
  return all;
}

Process create_subprocess_exec(const std::string& program, const std::vector<std::string>& args,
                               const SubprocessOptions& options) {
  detail::LoopCore& loop = detail::require_loop("create_subprocess_exec");
  detail::reap_orphans();
  detail::SpawnPlan plan = plan_for(program, args, options);
  std::array<Ends, 3> ends;
  ends[0] = open_stream(0, options.stdin_, nullptr);
  ends[1] = open_stream(1, options.stdout_, nullptr);
  ends[2] = open_stream(2, options.stderr_, &ends[1]);
  for (std::size_t i = 0; i < ends.size(); ++i)
    if (ends[i].childs) plan.streams[i] = ends[i].childs.get();
  auto state = std::make_shared<Process::State>();
  state->connect(ends, options.limit);
  state->child = std::make_shared<detail::Child>(detail::spawn(plan), loop);
  detail::Child::watch_over(state->child);
  return Process(std::move(state));
}

Process create_subprocess_shell(const std::string& command, const SubprocessOptions& options) {
  return create_subprocess_exec("/bin/sh", {"-c", checked("command", command)}, options);
}

}  // namespace weft
