#include <weft/io/file.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/io/to_thread.h>
#include <weft/task/task_base.h>

#include "base/assert.h"
#include "base/system.h"
#include "io/vectors.h"
#include "loop/fork.h"

namespace weft {

namespace {

using detail::raise_error;
using detail::system_calls;

/// What a system call gave, and why it failed.
struct Outcome {
  ssize_t count;
  int error;
};

template <class Call>
Outcome call_system(const Call& call) {
  for (;;) {
    const ssize_t count = call();
    if (count >= 0) return {count, 0};
    if (errno != EINTR) return {count, errno};
  }
}

int flags_of(std::string_view mode) {
  std::string letters(mode);
  std::erase(letters, 'b');
  const bool both = std::erase(letters, '+') == 1;
  const int access = both ? O_RDWR : O_WRONLY;
  if (letters == "r") return both ? O_RDWR : O_RDONLY;
  if (letters == "w") return access | O_CREAT | O_TRUNC;
  if (letters == "a") return access | O_CREAT | O_APPEND;
  if (letters == "x") return access | O_CREAT | O_EXCL;
  throw ValueError(fmt::format("mode: '{}' is none of r, w, a and x, with or without +", mode));
}

/// The present task was cancelled, and goes on: it will be where it waits next.
void cancel_later(detail::TaskBase& task, const CancelledError& cancelled) {
  task.must_cancel = true;
  task.cancel_message =
      cancelled.has_message() ? std::make_unique<std::string>(cancelled.message()) : nullptr;
}

}  // namespace

FileStream::FileStream(FileDescriptor fd, std::string name)
    : fd_(std::move(fd)), name_(std::move(name)) {}

FileStream::~FileStream() {
  if (busy_ && !detail::has_parents_tasks())
    detail::die("a file is destroyed while a task waits on it");
}

/// Makes `call` in a thread. If the task is cancelled once that has begun, it gets the result, and
/// the cancellation later.
template <class Call>
std::size_t FileStream::in_thread(const char* name, const Call& call) {
  if (closed_) raise_error(EBADF, fmt::format("{}: the stream is closed", name));
  if (busy_) throw RuntimeError(fmt::format("{}: another task waits to use this file", name));
  struct Busy {
    FileStream& file;
    explicit Busy(FileStream& f) : file(f) { file.busy_ = true; }
    ~Busy() {
      file.busy_ = false;
      if (file.closed_) file.fd_.close();
    }
  } const busy(*this);
  std::optional<Outcome> outcome;
  try {
    to_thread([&] { outcome = call_system(call); });
  } catch (const CancelledError& cancelled) {
    detail::TaskBase* task = detail::current_task_base();
    if (!outcome || !task) throw;
    cancel_later(*task, cancelled);
  }
  if (outcome->count < 0) raise_error(outcome->error, fmt::format("{} {}", name, name_));
  return std::size_t(outcome->count);
}

std::size_t FileStream::do_read(std::span<char> buffer) {
  return in_thread("read",
                   [&] { return system_calls.read(fd_.get(), buffer.data(), buffer.size()); });
}

std::size_t FileStream::do_write(Pieces pieces) {
  const detail::Vectors vectors(pieces);
  return in_thread("write",
                   [&] { return system_calls.writev(fd_.get(), vectors.data(), vectors.size()); });
}

void FileStream::sync() {
  in_thread("fsync", [&] { return ssize_t(::fsync(fd_.get())); });
}

void FileStream::shutdown_write() { throw RuntimeError("shutdown_write: a file has one end only"); }

void FileStream::close() noexcept {
  closed_ = true;
  if (!busy_) fd_.close();
}

std::unique_ptr<FileStream> open_file(const std::string& path, std::string_view mode) {
  const int flags = flags_of(mode) | O_CLOEXEC;
  constexpr mode_t kEverybody = 0666;  // less the umask
  FileDescriptor fd;
  int error = 0;
  to_thread([&] {
    const Outcome outcome =
        call_system([&] { return ssize_t(::open(path.c_str(), flags, kEverybody)); });
    fd = FileDescriptor(int(outcome.count));
    error = outcome.error;
  });
  if (!fd) raise_error(error, fmt::format("open {}", path));
  return std::make_unique<FileStream>(std::move(fd), path);
}

}  // namespace weft
