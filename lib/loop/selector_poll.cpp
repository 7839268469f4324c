// The selector that every POSIX system has.
//
// poll() knows levels only. An edge is made of a level by forgetting the event once it was told,
// until arm() asks for it again. A descriptor that is closed without a word is told once, and
// dropped: poll() would name it each time.

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/loop/selector.h>

#include "base/system.h"

namespace weft {

namespace {

using detail::raise_errno;

#ifdef POLLRDHUP
constexpr int kPeerIsDone = POLLRDHUP;  // Linux and FreeBSD tell it of a half-closed socket too
#else
constexpr int kPeerIsDone = 0;
#endif
constexpr int kHangup = POLLHUP | POLLERR | POLLNVAL;

short mask_of(Events events) noexcept {
  short mask = 0;
  if ((events & Events::Readable) != Events::None) mask = short(mask | POLLIN | kPeerIsDone);
  if ((events & Events::Writable) != Events::None) mask = short(mask | POLLOUT);
  return mask;
}

Events events_of(short mask) noexcept {
  Events events = Events::None;
  if (mask & (POLLIN | kPeerIsDone | kHangup)) events = events | Events::Readable;
  if (mask & (POLLOUT | kHangup)) events = events | Events::Writable;
  if (mask & (kPeerIsDone | kHangup)) events = events | Events::Hangup;
  return events;
}

class PollSelector final : public Selector {
 public:
  PollSelector() {
    if (pipe(wake_) == -1) raise_errno("pipe");
    for (int end : wake_) detail::make_nonblocking(end);
    polled_.push_back({wake_[0], POLLIN, 0});
    entries_.emplace_back();
  }
  PollSelector(const PollSelector&) = delete;
  PollSelector& operator=(const PollSelector&) = delete;
  ~PollSelector() override {
    for (int end : wake_) ::close(end);
  }

  std::string_view name() const noexcept override { return "poll"; }

  void register_(int fd, Events events, Trigger trigger, void* data) override {
    const std::string who = "poll for descriptor " + std::to_string(fd);
    struct stat status{};
    if (fstat(fd, &status) == -1) raise_errno(who);
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
      detail::raise_error(EPERM, who + ", which is a file and always ready");
    if (find(fd) != polled_.size()) detail::raise_error(EEXIST, who);
    polled_.push_back({fd, mask_of(events), 0});
    entries_.push_back({trigger, data});
  }

  void modify(int fd, Events events) override {
    const std::size_t index = find(fd);
    if (index == polled_.size())
      detail::raise_error(ENOENT, "poll for descriptor " + std::to_string(fd));
    polled_[index].fd = fd;
    polled_[index].events = mask_of(events);
  }

  void unregister(int fd) noexcept override {
    if (const std::size_t index = find(fd); index != polled_.size()) drop(index);
  }

  void arm(int fd, Events events) override {
    const std::size_t index = find(fd);
    if (index == polled_.size()) return;
    pollfd& entry = polled_[index];
    entry.fd = fd;
    entry.events = short(entry.events | mask_of(events));
  }

  std::span<const Ready> select(std::optional<Duration> limit) override {
    ready_.clear();
    const int count = ::poll(polled_.data(), nfds_t(polled_.size()), milliseconds(limit));
    if (count == -1 && errno != EINTR) raise_errno("poll");
    if (count <= 0) return {};
    if (polled_[0].revents) drain();
    for (std::size_t i = 1; i < polled_.size();) {
      pollfd& entry = polled_[i];
      if (entry.revents) ready_.push_back({entries_[i].data, events_of(entry.revents)});
      if (entry.revents & POLLNVAL) {
        drop(i);  // the last one takes its place
        continue;
      }
      if (entry.revents && entries_[i].trigger == Trigger::Edge) disarm(entry);
      ++i;
    }
    return ready_;
  }

  void wake() noexcept override {
    const char byte = 0;
    [[maybe_unused]] const ssize_t ignored = ::write(wake_[1], &byte, 1);
  }

 private:
  struct Entry {
    Trigger trigger = Trigger::Level;
    void* data = nullptr;
  };

  static int milliseconds(std::optional<Duration> limit) noexcept {
    if (!limit) return -1;
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(*limit).count();
    return int(std::clamp<decltype(count)>(count, 0, INT_MAX));
  }

  /// A hang-up or error is told whatever was asked for, so it would be told for ever.
  static void disarm(pollfd& entry) noexcept {
    if (entry.revents & (POLLHUP | POLLERR))
      entry.fd = -1 - entry.fd;  // poll passes over negative ones
    else
      entry.events = short(entry.events & ~entry.revents);
  }

  void drop(std::size_t index) noexcept {
    polled_[index] = polled_.back();
    entries_[index] = entries_.back();
    polled_.pop_back();
    entries_.pop_back();
  }

  void drain() noexcept {
    char bytes[64];
    while (::read(wake_[0], bytes, sizeof bytes) > 0) {
    }
  }

  std::size_t find(int fd) const noexcept {
    const auto it = std::find_if(polled_.begin() + 1, polled_.end(), [&](const pollfd& entry) {
      return entry.fd == fd || entry.fd == -1 - fd;
    });
    return std::size_t(it - polled_.begin());
  }

  int wake_[2] = {-1, -1};
  std::vector<pollfd> polled_;  // the first is wake_[0]
  std::vector<Entry> entries_;  // in the same order
  std::vector<Ready> ready_;
};

}  // namespace

std::unique_ptr<Selector> make_poll_selector() { return std::make_unique<PollSelector>(); }

}  // namespace weft
