#include <weft/io/stream_writer.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/sync/event.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/task/wait_queue.h>

#include "base/system.h"

namespace weft {

namespace {

std::size_t size_of(Pieces pieces) noexcept {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  return size;
}

}  // namespace

/// Invariant: something is buffered only while the task that writes it is there.
struct StreamWriter::State {
  std::shared_ptr<ByteStream> stream;
  std::deque<std::string> chunks;  // those that are being written are not touched
  std::size_t written = 0;         // of the first one
  std::size_t buffered = 0;
  std::size_t high = std::size_t{64} * 1024;
  std::size_t low = std::size_t{16} * 1024;
  bool paused = false;  // drain() waits
  bool eof = false;     // was asked for
  bool closing = false;
  bool in_write = false;  // the task that writes has begun
  std::optional<Task<>> flusher;
  std::exception_ptr error;
  WaitQueue drainers;
  Event closed;

  static constexpr std::size_t kChunk = std::size_t{16} * 1024;
  static constexpr std::size_t kPiecesPerWrite = 64;

  bool flushing() const noexcept { return flusher && !flusher->done(); }
  void check(const char* call) const;
  void keep(std::string_view data);
  void write(Pieces pieces, const std::shared_ptr<State>& self);
  void start_flushing(const std::shared_ptr<State>& self);
  void flush_some();
  void flush();
  void consume(std::size_t count);
  void resume() noexcept;
  void fail(std::exception_ptr late) noexcept;
  void give_up() noexcept;
  void close_stream() noexcept;
  void close() noexcept;
  void abort() noexcept;
};

void StreamWriter::State::check(const char* call) const {
  if (error) std::rethrow_exception(error);
  if (closing) detail::raise_error(ECONNRESET, fmt::format("{}: Connection lost", call));
}

/// Appending to a chunk with room to spare leaves in place what is being written of it.
void StreamWriter::State::keep(std::string_view data) {
  if (data.empty()) return;
  buffered += data.size();
  if (!chunks.empty() && chunks.back().capacity() - chunks.back().size() >= data.size()) {
    chunks.back().append(data);
    return;
  }
  std::string& chunk = chunks.emplace_back();
  chunk.reserve(std::max(data.size(), kChunk));
  chunk.append(data);
}

void StreamWriter::State::write(Pieces pieces, const std::shared_ptr<State>& self) {
  check("write");
  if (eof) throw RuntimeError("Cannot call write() after write_eof()");
  std::size_t gone = 0;
  if (!flushing()) {
    try {
      gone = stream->try_write(pieces);
    } catch (const std::system_error&) {
      return fail(std::current_exception());
    }
    if (gone == size_of(pieces)) return;
    start_flushing(self);
  }
  for (const std::string_view piece : pieces) {
    const std::size_t skip = std::min(gone, piece.size());
    gone -= skip;
    keep(piece.substr(skip));
  }
  if (buffered > high) paused = true;
}

void StreamWriter::State::start_flushing(const std::shared_ptr<State>& self) {
  in_write = false;
  flusher = create_task({.name = "stream writer", .where = {}}, [self] { self->flush(); });
}

void StreamWriter::State::resume() noexcept {
  paused = false;
  drainers.wake_all();
}

void StreamWriter::State::consume(std::size_t count) {
  buffered -= count;
  written += count;
  while (!chunks.empty() && written >= chunks.front().size()) {
    written -= chunks.front().size();
    chunks.pop_front();
  }
  if (paused && buffered <= low) resume();
}

void StreamWriter::State::flush_some() {
  std::array<std::string_view, kPiecesPerWrite> pieces;
  const std::size_t count = std::min(chunks.size(), kPiecesPerWrite);
  std::copy_n(chunks.begin(), count, pieces.begin());
  pieces[0].remove_prefix(written);
  consume(stream->write_some(Pieces(pieces.data(), count)));
}

/// The body of the task that writes.
void StreamWriter::State::flush() {
  in_write = true;
  try {
    while (buffered > 0) flush_some();
    if (eof && !closing) stream->shutdown_write();
  } catch (const CancelledError&) {  // abort(), or run() ends
    give_up();
    throw;
  } catch (const GeneratorExit&) {  // the loop is closed
    give_up();
    throw;
  } catch (...) {
    fail(std::current_exception());
  }
  if (closing) close_stream();
}

void StreamWriter::State::give_up() noexcept {
  closing = true;
  fail(nullptr);
  close_stream();
}

void StreamWriter::State::fail(std::exception_ptr late) noexcept {
  if (late && !(closing && stream->closed())) error = std::move(late);
  chunks.clear();
  written = buffered = 0;
  resume();
}

void StreamWriter::State::close_stream() noexcept {
  stream->close();
  resume();
  closed.set();
}

StreamWriter::StreamWriter(std::shared_ptr<ByteStream> stream) : state_(std::make_shared<State>()) {
  if (!stream) throw ValueError("stream: there is none");
  state_->stream = std::move(stream);
}

StreamWriter::StreamWriter(StreamWriter&&) noexcept = default;

StreamWriter& StreamWriter::operator=(StreamWriter&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}

StreamWriter::~StreamWriter() { close(); }

void StreamWriter::write(std::string_view data) { state_->write({&data, 1}, state_); }

void StreamWriter::write(std::span<const std::byte> data) {
  write(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()));
}

void StreamWriter::writelines(Pieces pieces) { state_->write(pieces, state_); }

void StreamWriter::drain() {
  const std::shared_ptr<State> it = state_;
  if (it->error) std::rethrow_exception(it->error);
  if (it->closing) yield_now();  // or a loop of write() and drain() would never see it closed
  if (it->paused && !it->flushing()) it->start_flushing(it);  // that one was cancelled
  if (it->paused) it->drainers.park("StreamWriter.drain");
  if (it->stream->closed()) it->check("drain");
  if (it->error) std::rethrow_exception(it->error);
}

void StreamWriter::write_eof() {
  State& it = *state_;
  if (it.eof || it.closing) return;
  if (it.error) std::rethrow_exception(it.error);
  if (!it.flushing()) it.stream->shutdown_write();
  it.eof = true;
}

bool StreamWriter::can_write_eof() const noexcept { return state_->stream->can_shutdown_write(); }

void StreamWriter::State::close() noexcept {
  if (std::exchange(closing, true)) return;
  if (!flushing()) close_stream();
}

void StreamWriter::close() noexcept {
  if (state_) state_->close();
}

bool StreamWriter::is_closing() const noexcept { return state_->closing; }

void StreamWriter::State::abort() noexcept {
  closing = true;
  if (flushing()) {
    flusher->cancel();
    if (in_write) return stream->abort();  // it does the rest: it has the bytes in hand
  }
  fail(nullptr);
  stream->abort();
  close_stream();
}

void StreamWriter::abort() noexcept { state_->abort(); }

void StreamWriter::wait_closed() { control().wait_closed(); }

void StreamWriter::set_write_buffer_limits(std::size_t high, std::optional<std::size_t> low) {
  const std::size_t lower = low.value_or(high / 4);
  if (lower > high)
    throw ValueError(fmt::format("high ({}) must be >= low ({}) must be >= 0", high, lower));
  state_->high = high;
  state_->low = lower;
  if (state_->buffered > high) state_->paused = true;
  if (state_->paused && state_->buffered <= lower) state_->resume();
}

std::size_t StreamWriter::buffered() const noexcept { return state_->buffered; }

ByteStream& StreamWriter::stream() const noexcept { return *state_->stream; }

StreamWriter::Control StreamWriter::control() const noexcept {
  Control control;
  control.state_ = state_;
  return control;
}

void StreamWriter::Control::close() const noexcept { state_->close(); }
void StreamWriter::Control::abort() const noexcept { state_->abort(); }

void StreamWriter::Control::wait_closed() const {
  const std::shared_ptr<State> it = state_;
  it->closed.wait();
  if (it->error) std::rethrow_exception(it->error);
}

}  // namespace weft
