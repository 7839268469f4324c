#include <weft/io/stream_reader.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "loop/fork.h"

namespace weft {

IncompleteReadError::IncompleteReadError(std::string partial, std::optional<std::size_t> expected)
    : expected_(expected) {
  set_message(fmt::format("{} bytes read on a total of {} expected bytes", partial.size(),
                          expected ? std::to_string(*expected) : "undefined"));
  partial_ = std::make_shared<const std::string>(std::move(partial));
}

LimitOverrunError::LimitOverrunError(std::string message, std::size_t consumed)
    : consumed_(consumed) {
  set_message(std::move(message));
}

/// What has been read and not been taken lies in [begin, end) of the buffer. While a task waits in
/// fill() others may take, but they do not move it.
struct StreamReader::State {
  std::shared_ptr<ByteStream> stream;
  std::size_t limit;
  std::unique_ptr<char[]> buffer;
  std::size_t capacity = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool eof = false;
  bool waiting = false;
  std::exception_ptr error;

  bool was_full = false;  // the last read filled the buffer: there may be much more

  static constexpr std::size_t kLeast = std::size_t{4} * 1024;
  static constexpr std::size_t kMost = std::size_t{128} * 1024;  // unless more is asked for

  std::size_t size() const noexcept { return end - begin; }
  std::string_view data() const noexcept { return {buffer.get() + begin, size()}; }

  void check() const {
    if (error) std::rethrow_exception(error);
  }
  std::string take(std::size_t count) {
    std::string taken(data().substr(0, count));
    begin += count;
    return taken;
  }
  std::string take_all() { return take(size()); }

  void make_room();
  void fill(const char* call);
  std::size_t find(std::string_view separator, const char* call);
};

void StreamReader::State::make_room() {
  const std::size_t held = size();
  std::size_t wanted = std::max(capacity, kLeast);
  if (2 * held > wanted || (was_full && wanted < kMost)) wanted = 2 * std::max(held, wanted);
  if (wanted > capacity) {
    std::unique_ptr<char[]> wider(new char[wanted]);
    if (held > 0) std::memcpy(wider.get(), buffer.get() + begin, held);
    buffer = std::move(wider);
    capacity = wanted;
  } else if (held > 0) {
    if (capacity - end >= capacity / 2) return;
    std::memmove(buffer.get(), buffer.get() + begin, held);
  }
  begin = 0;
  end = held;
}

/// Waits for more, or the end.
void StreamReader::State::fill(const char* call) {
  if (waiting)
    throw RuntimeError(fmt::format(
        "{}() called while another coroutine is already waiting for incoming data", call));
  make_room();
  struct Waiting {
    bool& flag;
    explicit Waiting(bool& f) : flag(f) { flag = true; }
    ~Waiting() { flag = false; }
  } const here(waiting);
  try {
    const std::size_t count = stream->read_some(std::span(buffer.get() + end, capacity - end));
    end += count;
    eof = count == 0;
    was_full = end == capacity;
  } catch (const std::system_error&) {
    if (!stream->closed()) {
      error = std::current_exception();
      throw;
    }
    eof = true;  // closed by this side
  }
}

/// Where the separator begins.
std::size_t StreamReader::State::find(std::string_view separator, const char* call) {
  std::size_t searched = 0;
  for (;;) {
    if (size() >= searched + separator.size()) {
      const std::size_t found = data().find(separator, searched);
      if (found != std::string_view::npos) {
        if (found <= limit) return found;
        throw LimitOverrunError("Separator is found, but chunk is longer than limit", found);
      }
      searched = size() + 1 - separator.size();
      if (searched > limit)
        throw LimitOverrunError("Separator is not found, and chunk exceed the limit", searched);
    }
    if (eof) throw IncompleteReadError(take_all(), std::nullopt);
    fill(call);
  }
}

StreamReader::StreamReader(std::shared_ptr<ByteStream> stream, std::size_t limit)
    : state_(new State{.stream = std::move(stream), .limit = limit, .buffer = {}, .error = {}}) {
  if (limit == 0) throw ValueError("Limit cannot be <= 0");
  if (!state_->stream) throw ValueError("stream: there is none");
}

StreamReader::StreamReader(StreamReader&&) noexcept = default;
StreamReader& StreamReader::operator=(StreamReader&&) noexcept = default;
StreamReader::~StreamReader() {
  if (state_ && state_->waiting && !detail::has_parents_tasks())
    detail::die("a StreamReader is destroyed while a task waits on it");
}

std::string StreamReader::read(std::size_t at_most) {
  State& it = *state_;
  it.check();
  if (at_most == 0) return {};
  if (it.size() == 0 && !it.eof) it.fill("read");
  return it.take(std::min(at_most, it.size()));
}

std::string StreamReader::read_all() {
  State& it = *state_;
  it.check();
  while (!it.eof) it.fill("read_all");
  return it.take_all();
}

std::string StreamReader::readexactly(std::size_t count) {
  State& it = *state_;
  it.check();
  while (it.size() < count) {
    if (it.eof) throw IncompleteReadError(it.take_all(), count);
    it.fill("readexactly");
  }
  return it.take(count);
}

std::string StreamReader::readline() {
  State& it = *state_;
  it.check();
  // Most lines have come in one piece.
  const std::size_t length = it.data().find('\n');
  if (length != std::string_view::npos && length <= it.limit) return it.take(length + 1);
  try {
    return it.take(it.find("\n", "readline") + 1);
  } catch (const IncompleteReadError& error) {
    return error.partial();
  } catch (const LimitOverrunError& error) {
    const std::size_t consumed = error.consumed();
    const bool found = it.data().substr(consumed).starts_with('\n');
    it.begin += found ? consumed + 1 : it.size();
    throw ValueError(error.message());
  }
}

std::string StreamReader::readuntil(std::string_view separator) {
  if (separator.empty()) throw ValueError("Separator should be at least one-byte string");
  State& it = *state_;
  it.check();
  const std::size_t found = it.find(separator, "readuntil");
  return it.take(found + separator.size());
}

std::size_t StreamReader::buffered() const noexcept { return state_->size(); }

bool StreamReader::at_eof() const noexcept { return state_->eof && state_->size() == 0; }

std::string StreamReader::anext() {
  std::string line = readline();
  if (line.empty()) throw StopAsyncIteration();
  return line;
}

ByteStream& StreamReader::stream() const noexcept { return *state_->stream; }

}  // namespace weft
