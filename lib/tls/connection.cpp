#include "tls/connection.h"

#include <cerrno>
#include <string>
#include <utility>

#include <weft/base/errors.h>
#include <weft/loop/event_loop.h>
#include <weft/task/task.h>

#include "base/system.h"

namespace weft::detail {

namespace {

/// As asyncio's ssl_shutdown_timeout.
constexpr Duration kLinger = std::chrono::seconds(30);

[[noreturn]] void raise_closed(const char* call) {
  raise_error(EBADF, std::string(call) + ": the stream is closed");
}

[[noreturn]] void raise_taken(const char* call) {
  throw RuntimeError(std::string(call) + ": another task waits to do the same with this stream");
}

}  // namespace

/// Owned by the function of the task that pushes, which may never run.
struct TlsConnection::Pushing {
  std::shared_ptr<TlsConnection> connection;

  explicit Pushing(std::shared_ptr<TlsConnection> of) noexcept : connection(std::move(of)) {}
  Pushing(Pushing&&) noexcept = default;
  ~Pushing() {
    if (connection) connection->stop_pushing();
  }
};

void TlsConnection::check(const char* call) const {
  if (closing_) raise_closed(call);
}

// ---- input

void TlsConnection::shake_hands() try {
  for (;;) {
    const bool done = engine_->shake_hands();
    push();
    if (write_error_) std::rethrow_exception(write_error_);
    if (done) return;
    receive();
  }
} catch (...) {
  push();  // what the peer should know of it
  closing_ = true;
  close_below();
  throw;
}

std::size_t TlsConnection::read(std::span<char> buffer) {
  check("read");
  if (reading_) raise_taken("read");
  for (;;) {
    struct Push {  // also if it throws: there may be an alert to send
      TlsConnection& connection;
      ~Push() { connection.push(); }
    };
    std::optional<std::size_t> count;
    {
      const Push answer{*this};
      count = engine_->read(buffer);
    }
    if (count) return *count;
    receive();
  }
}

/// Waits for more from below. close() ends the wait, also while that has still to be written to.
void TlsConnection::receive() {
  const auto get = [&] { return below_->read_some(engine_->room()); };
  if (!current_task_base()) return engine_->took(get());  // it may not wait
  Timeout scope(std::nullopt);
  struct Here {
    Timeout*& place;
    Here(Timeout*& p, Timeout& s) : place(p) { place = &s; }
    ~Here() { place = nullptr; }
  };
  std::size_t count = 0;
  try {
    const Here here(reading_, scope);
    count = run_under(scope, get);
  } catch (const TimeoutError&) {
    if (!scope.expired()) throw;
    raise_closed("read");
  }
  if (closing_) raise_closed("read");
  engine_->took(count);
}

// ---- output

std::size_t TlsConnection::write(Pieces pieces) {
  for (;;) {
    if (const std::size_t count = try_write(pieces)) return count;
    writers_.park("TlsStream.write");
  }
}

std::size_t TlsConnection::try_write(Pieces pieces) {
  check("write");
  if (!writers_.idle()) raise_taken("write");
  if (ended_) raise_error(EPIPE, "write: this direction has been ended");
  if (write_error_) std::rethrow_exception(write_error_);
  if (pushing_) return 0;
  std::string joined;
  std::string_view data = pieces.front();
  if (pieces.size() > 1 && data.size() < TlsEngine::kLongest) {  // or each would be a record
    for (const std::string_view piece : pieces)
      joined += piece.substr(0, TlsEngine::kLongest - joined.size());
    data = joined;
  }
  data = data.substr(0, TlsEngine::kLongest);
  engine_->write(data);
  push();
  if (write_error_) std::rethrow_exception(write_error_);
  return data.size();
}

void TlsConnection::end_writing() {
  check("shutdown_write");
  if (std::exchange(ended_, true)) return;
  engine_->end_writing();
  push();
}

/// Whatever goes at once.
void TlsConnection::push() noexcept try {
  TlsOutput& output = engine_->output;
  if (write_error_) return output.clear();
  while (!pushing_ && !output.empty()) {
    const std::string_view data = output.going();
    const std::size_t count = below_->try_write({&data, 1});
    if (count == 0) return start_pushing();
    output.consume(count);
  }
} catch (...) {
  fail_writing(std::current_exception());
}

void TlsConnection::start_pushing() {
  create_task({.name = "TLS writer", .where = {}},
              [own = Pushing(shared_from_this())] { own.connection->push_on(); });
  pushing_ = true;
}

/// The body of the task.
void TlsConnection::push_on() try {
  TlsOutput& output = engine_->output;
  while (!output.empty()) output.consume(below_->write_some(output.going()));
} catch (const std::exception&) {  // an order to leave passes
  fail_writing(std::current_exception());
}

void TlsConnection::stop_pushing() noexcept {
  if (!std::exchange(pushing_, false)) return;
  if (!engine_->output.empty())  // it was cancelled
    fail_writing(std::make_exception_ptr(
        std::system_error(ECONNABORTED, std::generic_category(), "write: it was cancelled")));
  writers_.wake_all();
  if (closing_) close_below();
}

void TlsConnection::fail_writing(std::exception_ptr error) noexcept {
  if (!write_error_) write_error_ = std::move(error);
  engine_->output.clear();
}

// ---- the end

void TlsConnection::close() noexcept {
  if (std::exchange(closing_, true)) return;
  if (!std::exchange(ended_, true)) engine_->end_writing();
  push();
  writers_.wake_all();
  try {
    if (pushing_) return linger();
  } catch (...) {
    // then it is not waited for
  }
  close_below();
}

void TlsConnection::abort() noexcept {
  closing_ = ended_ = true;
  if (!pushing_) engine_->output.clear();  // else it may be in use below, and is cleared at the end
  writers_.wake_all();
  close_below();
}

/// Until the task has got rid of all output.
void TlsConnection::linger() {
  limit_ = get_running_loop().call_later(kLinger, [this] { below_->close(); });
  if (reading_) reading_->reschedule(get_running_loop().time());
}

void TlsConnection::close_below() noexcept {
  limit_.cancel();
  below_->close();
  gone_.set();
}

}  // namespace weft::detail
