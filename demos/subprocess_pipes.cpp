// Programs that are connected by pipes, as a shell does it. What the last one writes is printed
// line by line as it comes; then how each has ended, and what `wc` counts in it all.
//
//   subprocess_pipes [COMMAND...]   as in  subprocess_pipes 'seq 9' 'sort -r' 'head -n 2'

#include <cstdio>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/core.h>

#include <weft/weft.h>

using weft::FileDescriptor, weft::Process, weft::Stdio, weft::SubprocessOptions;
using Words = std::vector<std::string>;

struct Stage {
  std::string command;
  Process process;
};

Words words_of(const std::string& command) {
  std::istringstream text(command);
  return {std::istream_iterator<std::string>(text), {}};
}

std::pair<FileDescriptor, FileDescriptor> open_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// The first one reads what this program would read, the last one writes to it.
std::vector<Stage> start(const Words& commands) {
  std::vector<Stage> stages;
  FileDescriptor from_before;
  for (const std::string& command : commands) {
    auto [reader, writer] = open_pipe();  // to the next one; it has no use for other descriptors
    SubprocessOptions options;
    if (from_before) options.stdin_ = from_before.get();
    options.stdout_ = &command == &commands.back() ? Stdio(Stdio::Pipe) : Stdio(writer.get());
    Words words = words_of(command);
    if (words.empty()) throw weft::ValueError("COMMAND: it is empty");
    const std::string program = words.front();
    words.erase(words.begin());
    stages.push_back({command, weft::create_subprocess_exec(program, words, options)});
    from_before = std::move(reader);
  }
  return stages;
}

std::string ending_of(Process& process) {
  const int code = process.wait();
  if (const auto signal = process.killed_by()) return fmt::format("signal {}", *signal);
  return fmt::format("status {}", code);
}

/// Lets another program count: its input and output go at once, whatever fits into a pipe.
std::string count(const std::string& text) {
  Process wc =
      weft::create_subprocess_exec("wc", {"-l"}, {.stdin_ = Stdio::Pipe, .stdout_ = Stdio::Pipe});
  return words_of(wc.communicate(text).stdout_).front();
}

void run_pipeline(const Words& commands) {
  std::vector<Stage> stages = start(commands);
  std::string all;
  weft::async_for(stages.back().process.stdout_(), [&](const std::string& line) {
    fmt::print("> {}", line);
    std::fflush(stdout);
    all += line;
  });
  for (Stage& stage : stages) fmt::print("{}: {}\n", stage.command, ending_of(stage.process));
  fmt::print("lines: {}\n", count(all));
}

int main(int argc, char** argv) try {
  Words commands(argv + 1, argv + argc);
  if (commands.empty()) commands = {"seq 100000", "grep 7", "sort -rn", "head -n 3"};
  weft::run([&] { run_pipeline(commands); });
} catch (const weft::KeyboardInterrupt&) {
  return 130;
} catch (const std::exception& error) {
  fmt::print(stderr, "subprocess_pipes: {}\n", error.what());
  return 2;
}
