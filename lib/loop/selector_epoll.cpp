// The selector of Linux.
//
// Descriptors are registered once and stay so; edges are the kernel's own, so arm() has nothing to
// do. Closing a descriptor drops its registration only if no duplicate of it is left, hence
// unregister() has to come first.

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>
#include <string>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weft/loop/selector.h>

#include "base/system.h"

namespace weft {

namespace {

using detail::raise_errno;

constexpr std::size_t kEventsPerCall = 256;

std::uint32_t mask_of(Events events, Trigger trigger) noexcept {
  std::uint32_t mask = trigger == Trigger::Edge ? std::uint32_t(EPOLLET) : 0;
  if ((events & Events::Readable) != Events::None) mask |= EPOLLIN | EPOLLRDHUP;
  if ((events & Events::Writable) != Events::None) mask |= EPOLLOUT;
  // A read stops short before urgent data, though more follows: a hang-up, for those who rely on
  // it.
  if (trigger == Trigger::Edge && (mask & EPOLLIN)) mask |= EPOLLPRI;
  return mask;
}

Events events_of(std::uint32_t mask) noexcept {
  Events events = Events::None;
  if (mask & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    events = events | Events::Readable;
  if (mask & (EPOLLOUT | EPOLLHUP | EPOLLERR)) events = events | Events::Writable;
  if (mask & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) events = events | Events::Hangup;
  return events;
}

class EpollSelector final : public Selector {
 public:
  EpollSelector() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ == -1) raise_errno("epoll_create1");
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_ == -1) {
      ::close(epoll_);
      raise_errno("eventfd");
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // each write is an edge, so it need not be read
    event.data.ptr = nullptr;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  }
  EpollSelector(const EpollSelector&) = delete;
  EpollSelector& operator=(const EpollSelector&) = delete;
  ~EpollSelector() override {
    ::close(wake_);
    ::close(epoll_);
  }

  std::string_view name() const noexcept override { return "epoll"; }

  void register_(int fd, Events events, Trigger trigger, void* data) override {
    epoll_event event{};
    event.events = mask_of(events, trigger);
    event.data.ptr = data;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) {
      if (entries_.size() <= std::size_t(fd)) entries_.resize(std::size_t(fd) + 1);
      entries_[std::size_t(fd)] = {trigger, data};
      return;
    }
    const std::string who = "epoll_ctl for descriptor " + std::to_string(fd);
    raise_errno(errno == EPERM ? who +
                                     ", which is of a kind that cannot be waited for (a regular "
                                     "file is always ready)"
                               : who);
  }

  void modify(int fd, Events events) override {
    const Entry& entry = entries_[std::size_t(fd)];
    epoll_event event{};
    event.events = mask_of(events, entry.trigger);
    event.data.ptr = entry.data;
    if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0)
      raise_errno("epoll_ctl for descriptor " + std::to_string(fd));
  }

  void unregister(int fd) noexcept override { epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

  void arm(int, Events) override {}

  std::span<const Ready> select(std::optional<Duration> limit) override {
    const int count = wait(limit);
    if (count == -1 && errno != EINTR) raise_errno("epoll_wait");
    std::size_t ready = 0;
    for (int i = 0; i < count; ++i)
      if (events_[std::size_t(i)].data.ptr)
        ready_[ready++] = {events_[std::size_t(i)].data.ptr,
                           events_of(events_[std::size_t(i)].events)};
    return {ready_.data(), ready};
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(wake_, &one, sizeof one);
  }

  int fileno() const noexcept override { return epoll_; }

 private:
  struct Entry {
    Trigger trigger = Trigger::Level;
    void* data = nullptr;
  };

  int wait(std::optional<Duration> limit) noexcept {
    if (!limit) return epoll_wait(epoll_, events_.data(), int(events_.size()), -1);
    if (*limit <= Duration::zero())
      return epoll_wait(epoll_, events_.data(), int(events_.size()), 0);
#ifdef SYS_epoll_pwait2
    if (has_nanoseconds_) {
      const auto seconds = std::chrono::floor<std::chrono::seconds>(*limit);
      const timespec timeout{time_t(seconds.count()), long((*limit - seconds).count())};
      const long count = syscall(SYS_epoll_pwait2, epoll_, events_.data(), int(events_.size()),
                                 &timeout, nullptr, std::size_t{0});
      if (count != -1 || errno != ENOSYS) return int(count);
      has_nanoseconds_ = false;  // kernels before 5.11
    }
#endif
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(*limit).count();
    return epoll_wait(epoll_, events_.data(), int(events_.size()),
                      int(std::min<decltype(milliseconds)>(milliseconds, INT_MAX)));
  }

  int epoll_;
  int wake_ = -1;
  bool has_nanoseconds_ = true;
  std::vector<Entry> entries_;  // by descriptor
  std::array<epoll_event, kEventsPerCall> events_;
  std::array<Ready, kEventsPerCall> ready_;
};

}  // namespace

std::unique_ptr<Selector> make_selector() { return std::make_unique<EpollSelector>(); }

}  // namespace weft
