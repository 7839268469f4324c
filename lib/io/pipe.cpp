#include <weft/io/pipe.h>

#include <cerrno>
#include <string>

#include <unistd.h>

#include <weft/base/errors.h>

#include "base/system.h"
#include "io/no_sigpipe.h"
#include "io/turns.h"
#include "io/vectors.h"

namespace weft {

namespace {

using detail::raise_errno;
using detail::raise_error;
using detail::system_calls;
using detail::WatchedFd;

WatchedFd& usable(WatchedFd& fd, bool closed, Events direction, const char* call) {
  if (closed) raise_error(EBADF, std::string(call) + ": the stream is closed");
  if (fd.closed()) raise_error(EBADF, std::string(call) + ": the stream goes the other way only");
  fd.check_alone(direction, call);
  return fd;
}

/// 0 if nothing goes.
std::size_t write_once(WatchedFd& fd, Pieces pieces) {
  const detail::Vectors vectors(pieces);
  for (;;) {
    detail::NoSigpipe quiet;
    const ssize_t count = system_calls.writev(fd.get(), vectors.data(), vectors.size());
    if (count >= 0) return std::size_t(count);
    const int error = errno;
    if (error == EPIPE) quiet.take_signal();
    if (error == EAGAIN || error == EWOULDBLOCK) return 0;
    if (error != EINTR) raise_error(error, "write to a pipe");
  }
}

std::pair<FileDescriptor, FileDescriptor> make_pipe() {
  int ends[2];
  if (detail::open_pipe(ends) != 0) raise_errno("pipe");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

PipeStream::PipeStream(FileDescriptor reader, FileDescriptor writer)
    : reader_(std::move(reader)), writer_(std::move(writer)) {}

std::unique_ptr<PipeStream> PipeStream::adopt(FileDescriptor reader, FileDescriptor writer) {
  if (!reader && !writer) throw ValueError("reader, writer: neither is a descriptor");
  for (const FileDescriptor* fd : {&reader, &writer})
    if (*fd) detail::make_nonblocking(fd->get());
  return std::unique_ptr<PipeStream>(new PipeStream(std::move(reader), std::move(writer)));
}

std::pair<std::unique_ptr<PipeStream>, std::unique_ptr<PipeStream>> PipeStream::one_way() {
  auto [reader, writer] = make_pipe();
  return {adopt(std::move(reader)), adopt({}, std::move(writer))};
}

std::pair<std::unique_ptr<PipeStream>, std::unique_ptr<PipeStream>> PipeStream::pair() {
  auto [here, from_there] = make_pipe();
  auto [there, from_here] = make_pipe();
  return {adopt(std::move(here), std::move(from_here)),
          adopt(std::move(there), std::move(from_there))};
}

std::size_t PipeStream::do_read(std::span<char> buffer) {
  WatchedFd& fd = usable(reader_, closed_, Events::Readable, "read");
  if (fd.is_drained()) fd.wait(Events::Readable, "read");
  for (;;) {
    detail::count_call();
    const ssize_t count = system_calls.read(fd.get(), buffer.data(), buffer.size());
    if (count >= 0) {
      if (count > 0 && std::size_t(count) < buffer.size()) fd.drained();
      return std::size_t(count);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      fd.wait(Events::Readable, "read");
    else if (errno != EINTR)
      raise_errno("read from a pipe");
  }
}

std::size_t PipeStream::do_write(Pieces pieces) {
  for (;;) {
    detail::count_call();
    if (const std::size_t count = do_try_write(pieces)) return count;
    writer_.wait(Events::Writable, "write");
  }
}

std::size_t PipeStream::do_try_write(Pieces pieces) {
  if (ended_ && !closed_) raise_error(EPIPE, "write to a pipe after shutdown_write()");
  return write_once(usable(writer_, closed_, Events::Writable, "write"), pieces);
}

void PipeStream::shutdown_write() {
  if (ended_) return;
  usable(writer_, closed_, Events::Writable, "shutdown_write");
  ended_ = true;
  writer_.close();
}

void PipeStream::close() noexcept {
  closed_ = true;
  reader_.close();
  writer_.close();
}

}  // namespace weft
