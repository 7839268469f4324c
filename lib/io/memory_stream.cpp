#include <weft/io/memory_stream.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <weft/base/errors.h>
#include <weft/task/wait_queue.h>

#include "base/assert.h"
#include "base/system.h"
#include "loop/fork.h"

namespace weft {

using detail::raise_error;

/// One direction: a ring of bytes.
struct MemoryStream::Lane {
  std::vector<char> ring;
  std::size_t first = 0;
  std::size_t size = 0;
  bool ended = false;     // its writer writes no more
  bool deserted = false;  // its reader reads no more
  bool lost = false;
  WaitQueue readers;  // one at most
  WaitQueue writers;

  explicit Lane(std::size_t capacity) : ring(capacity) {}

  std::size_t put(std::string_view data) noexcept {
    const std::size_t count = std::min(data.size(), ring.size() - size);
    for (std::size_t i = 0; i < count; ++i) ring[(first + size + i) % ring.size()] = data[i];
    size += count;
    if (count > 0) readers.wake_all();
    return count;
  }

  std::size_t take(std::span<char> buffer) noexcept {
    const std::size_t count = std::min(buffer.size(), size);
    for (std::size_t i = 0; i < count; ++i) buffer[i] = ring[(first + i) % ring.size()];
    first = (first + count) % ring.size();
    size -= count;
    if (count > 0) writers.wake_all();
    return count;
  }

  void wake_all() noexcept {
    readers.wake_all();
    writers.wake_all();
  }
};

namespace {

void check_alone(const WaitQueue& queue, const char* what) {
  if (!queue.idle())
    throw RuntimeError(std::string(what) + ": another task waits to do the same with this stream");
}

}  // namespace

MemoryStream::MemoryStream(std::shared_ptr<Lane> in, std::shared_ptr<Lane> out) noexcept
    : in_(std::move(in)), out_(std::move(out)) {}

std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> MemoryStream::pair(
    std::size_t capacity) {
  if (capacity == 0) throw ValueError("capacity: it is 0");
  const auto there = std::make_shared<Lane>(capacity);
  const auto back = std::make_shared<Lane>(capacity);
  return {std::unique_ptr<MemoryStream>(new MemoryStream(back, there)),
          std::unique_ptr<MemoryStream>(new MemoryStream(there, back))};
}

MemoryStream::~MemoryStream() {
  if ((!in_->readers.idle() || !out_->writers.idle()) && !detail::has_parents_tasks())
    detail::die("a stream is destroyed while a task waits on it");
  close();
}

void MemoryStream::check(const char* call) const {
  if (closed_) raise_error(EBADF, std::string(call) + ": the stream is closed");
}

std::size_t MemoryStream::do_read(std::span<char> buffer) {
  check("read");
  check_alone(in_->readers, "read");
  Lane& lane = *in_;
  while (lane.size == 0) {
    if (lane.lost) raise_error(ECONNRESET, "read from memory");
    if (lane.ended) return 0;
    lane.readers.park("MemoryStream.read");
    check("read");
  }
  return lane.take(buffer);
}

std::size_t MemoryStream::do_write(Pieces pieces) {
  for (;;) {
    if (const std::size_t count = do_try_write(pieces)) return count;
    out_->writers.park("MemoryStream.write");
  }
}

std::size_t MemoryStream::do_try_write(Pieces pieces) {
  check("write");
  check_alone(out_->writers, "write");
  Lane& lane = *out_;
  if (lane.lost) raise_error(ECONNRESET, "write to memory");
  if (lane.ended || lane.deserted) raise_error(EPIPE, "write to memory");
  std::size_t count = 0;
  for (const std::string_view piece : pieces) {
    const std::size_t put = lane.put(piece);
    count += put;
    if (put < piece.size()) break;
  }
  return count;
}

void MemoryStream::shutdown_write() {
  check("shutdown_write");
  out_->ended = true;
  out_->wake_all();
}

void MemoryStream::close() noexcept {
  if (std::exchange(closed_, true)) return;
  out_->ended = true;
  in_->deserted = true;
  out_->wake_all();
  in_->wake_all();
}

void MemoryStream::reset() noexcept {
  for (Lane* lane : {in_.get(), out_.get()}) {
    lane->lost = true;
    lane->size = 0;
  }
  close();
}

std::size_t MemoryStream::readable() const noexcept { return in_->size; }

}  // namespace weft
