// Programs of others that tests talk to, and files for them.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/io/stream_reader.h>
#include <weft/io/stream_writer.h>
#include <weft/net/socket_stream.h>

#include "ends.h"

/// A folder of one test, which goes with it.
class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("weft-tls-" + std::to_string(getpid()) + "-" + std::to_string(++count));
    std::filesystem::create_directory(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string file(const std::string& name) const { return path_ / name; }

  /// Writes it, and gives its path.
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// Whether this machine has the program; the test is skipped otherwise.
inline bool have(const std::string& check) {
  const bool has = std::system((check + " >/dev/null 2>&1").c_str()) == 0;
  if (!has) MESSAGE("skipped: this machine cannot `" << check << "`");
  return has;
}

/// A program that runs beside the test, which reads what it prints and writes what it reads.
class Peer {
 public:
  explicit Peer(const std::vector<std::string>& command) : Peer(command, make_ends()) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    if (child_ > 0) ::kill(child_, SIGKILL);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }

  weft::StreamReader reader;
  weft::StreamWriter writer;

  /// The rest of the first line that begins so.
  std::string line_after(const std::string& start) {
    for (;;) {
      const std::string line = reader.readline();
      if (line.empty()) throw weft::RuntimeError("the peer has not printed '" + start + "'");
      if (line.starts_with(start)) return line.substr(start.size(), line.size() - start.size() - 1);
    }
  }

  /// What it still prints, when nothing more comes to it; it has ended then.
  std::string rest() {
    if (!writer.is_closing()) writer.write_eof();
    std::string text = reader.read_all();
    ::waitpid(std::exchange(child_, 0), nullptr, 0);
    return text;
  }

 private:
  struct Sockets {
    std::shared_ptr<weft::SocketStream> ours;
    int theirs;
  };

  static Sockets make_ends() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw weft::RuntimeError("no socketpair");
    return {
        std::make_shared<weft::SocketStream>(weft::Socket::adopt(weft::FileDescriptor(ends[0]))),
        ends[1]};
  }

  Peer(const std::vector<std::string>& command, const Sockets& sockets)
      : reader(sockets.ours), writer(sockets.ours), child_(start(command, sockets.theirs)) {
    ::close(sockets.theirs);
  }

  static pid_t start(const std::vector<std::string>& command, int end) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(end, fd);
    std::signal(SIGPIPE, SIG_DFL);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }

  pid_t child_;
};
