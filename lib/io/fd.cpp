#include <weft/io/fd.h>

#include <cerrno>
#include <map>
#include <string>

#include <weft/base/errors.h>
#include <weft/task/task_base.h>

#include "base/assert.h"
#include "base/system.h"

namespace weft {

void FileDescriptor::close() noexcept {
  if (fd_ >= 0) detail::system_calls.close(release());
}

namespace detail {

namespace {

/// In a forked child it stands where a task would wait, so that whoever tries is refused.
Waiter parents;

}  // namespace

WatchedFd::WatchedFd(FileDescriptor fd) noexcept : fd_(std::move(fd)) {
  ready = &WatchedFd::on_ready;
  detach = [](LinkedWatch* watch) noexcept { static_cast<WatchedFd*>(watch)->leave_loop(); };
  forked = [](LinkedWatch* watch) noexcept {
    auto& self = *static_cast<WatchedFd*>(watch);
    self.leave_loop();
    self.reader_ = self.writer_ = &parents;
  };
}

bool WatchedFd::is_parents() const noexcept { return reader_ == &parents || writer_ == &parents; }

/// Its descriptor can still be closed, or given away.
void WatchedFd::take_from_parent() noexcept {
  if (reader_ == &parents) reader_ = nullptr;
  if (writer_ == &parents) writer_ = nullptr;
}

WatchedFd::~WatchedFd() {
  take_from_parent();
  if (reader_ || writer_) die("a socket or descriptor is destroyed while a task waits on it");
  close();
}

void WatchedFd::attach(const char* call) {
  if (!fd_) raise_error(EBADF, std::string(call) + ": the descriptor is closed");
  if (loop_ && loop_ == running_loop) return;
  if (is_parents()) refuse(Events::Readable, call);
  LoopCore& loop = require_loop(call);
  if (loop_)
    throw RuntimeError(std::string(call) + ": the descriptor is watched by another event loop");
  loop.selector->register_(fd_.get(), Events::Both, Trigger::Edge, static_cast<Watch*>(this));
  loop_ = &loop;
  loop.add_watch(*this);
}

void WatchedFd::leave_loop() noexcept {
  if (!loop_) return;
  loop_->selector->unregister(fd_.get());
  loop_->remove_watch(*this);
  loop_ = nullptr;
  readable_ = writable_ = hung_up_ = drained_ = false;
}

void WatchedFd::on_ready(Watch* watch, Events events) {
  auto& self = *static_cast<WatchedFd*>(watch);
  if ((events & Events::Hangup) != Events::None) self.hung_up_ = true;
  if ((events & Events::Readable) != Events::None) {
    self.readable_ = true;
    self.drained_ = false;
    if (self.reader_) self.reader_->wake();
  }
  if ((events & Events::Writable) != Events::None) {
    self.writable_ = true;
    if (self.writer_) self.writer_->wake();
  }
}

/// One wait, in the frame of wait(). When it is cancelled it gives its place up at once, so that
/// another task may take it, or the descriptor may go, before this one unwinds.
class WatchedFd::Place final : public Waiter {
 public:
  Place(Waiter*& place, LoopCore& loop) noexcept : place_(&place), loop_(loop) {
    place = this;
    ++loop_.outside;
  }
  ~Place() override { leave(); }

 private:
  void abandon() noexcept override { leave(); }
  void leave() noexcept {
    if (!place_) return;
    *std::exchange(place_, nullptr) = nullptr;
    --loop_.outside;
  }

  Waiter** place_;
  LoopCore& loop_;
};

void WatchedFd::wait(Events direction, const char* call) {
  attach(call);
  check_alone(direction, call);
  const bool reading = direction == Events::Readable;
  bool& edge = reading ? readable_ : writable_;
  if (!edge) {
    loop_->selector->arm(fd_.get(), direction);
    Place(reading ? reader_ : writer_, *loop_).wait({call, this});
  }
  if (!fd_) raise_error(EBADF, std::string(call) + ": the descriptor was closed meanwhile");
  edge = false;
}

void WatchedFd::refuse(Events direction, const char* call) const {
  if (is_parents())
    throw RuntimeError(std::string(call) +
                       ": the descriptor is watched by an event loop of another process");
  throw RuntimeError(std::string(call) + ": another task waits to " +
                     (direction == Events::Readable ? "read from" : "write to") +
                     " this descriptor");
}

void WatchedFd::renew() {
  readable_ = writable_ = false;
  if (loop_) loop_->selector->modify(fd_.get(), Events::Both);
}

void WatchedFd::close() noexcept {
  take_from_parent();
  leave_loop();
  fd_.close();
  if (reader_) reader_->wake();
  if (writer_) writer_->wake();
}

FileDescriptor WatchedFd::release() noexcept {
  take_from_parent();
  WEFT_ASSERT(!reader_ && !writer_);
  leave_loop();
  return std::move(fd_);
}

namespace {

/// A descriptor that belongs to somebody else, registered while tasks wait for it.
struct Borrowed {
  WatchedFd watched;
  int waits = 0;

  explicit Borrowed(int fd) noexcept : watched(FileDescriptor(fd)) {}
};
thread_local std::map<std::pair<LoopCore*, int>, Borrowed> all_borrowed;

/// One wait's share in it: the last one gives it back.
class Share {
 public:
  Share(LoopCore& loop, int fd, Events direction, const char* call)
      : it_(all_borrowed.try_emplace({&loop, fd}, fd).first) {
    if (watched().has_waiter(direction))
      raise_error(EEXIST, std::string(call) + " for descriptor " + std::to_string(fd) +
                              ", which another task waits for");
    if (it_->second.waits > 0) watched().renew();  // an edge of before says nothing of now
    ++it_->second.waits;
  }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share() {
    if (--it_->second.waits > 0) return;
    watched().release().release();
    all_borrowed.erase(it_);
  }
  WatchedFd& watched() noexcept { return it_->second.watched; }

 private:
  decltype(all_borrowed)::iterator it_;
};

void wait_once(int fd, Events direction, const char* call) {
  if (fd < 0) throw ValueError(std::string(call) + ": fd " + std::to_string(fd) + " is none");
  task_at_the_door();
  Share(require_loop(call), fd, direction, call).watched().wait(direction, call);
}

}  // namespace

}  // namespace detail

void wait_readable(int fd) { detail::wait_once(fd, Events::Readable, "wait_readable"); }
void wait_writable(int fd) { detail::wait_once(fd, Events::Writable, "wait_writable"); }

}  // namespace weft
