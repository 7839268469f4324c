// The selector of macOS and the BSDs.
//
// Each direction of a descriptor is a filter of its own, so the kernel may tell a descriptor twice;
// select() makes one of the two. Edges are the kernel's (EV_CLEAR), so arm() has nothing to do.
//
// EV_ADD of what is there changes it and says nothing, hence the table of what is registered. The
// kernel drops the filters of a descriptor that is closed, and says nothing of that either: what
// the table has and the kernel has not is left over from such a one.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/loop/selector.h>

#include "base/system.h"

namespace weft {

namespace {

using detail::raise_errno;
using detail::raise_error;

constexpr std::size_t kEventsPerCall = 256;
constexpr std::chrono::seconds kLongestWait(100'000'000);  // OpenBSD refuses more
constexpr timespec kNoTime{0, 0};

bool has(Events set, Events one) noexcept { return (set & one) != Events::None; }

/// The members' types differ from system to system. The kernel answers each change with a receipt.
struct kevent change_of(int fd, Events direction, int flags) noexcept {
  struct kevent change{};
  change.ident = decltype(change.ident)(fd);
  change.filter =
      decltype(change.filter)(direction == Events::Readable ? EVFILT_READ : EVFILT_WRITE);
  change.flags = decltype(change.flags)(flags | EV_RECEIPT);
  return change;
}

Events events_of(const struct kevent& event) noexcept {
  const bool reading = event.filter == decltype(event.filter)(EVFILT_READ);
  Events events = reading ? Events::Readable : Events::Writable;
  if (event.flags & EV_EOF) events = events | Events::Hangup;
#ifdef EV_OOBAND  // macOS: a read stops short before urgent data, though more follows
  if (event.flags & EV_OOBAND) events = events | Events::Hangup;
#endif
  return events;
}

class KqueueSelector final : public Selector {
 public:
  KqueueSelector() : kqueue_(kqueue()) {
    if (kqueue_ == -1) raise_errno("kqueue");
    fcntl(kqueue_, F_SETFD, FD_CLOEXEC);
    struct kevent wake{};
    wake.filter = decltype(wake.filter)(EVFILT_USER);
    wake.flags = decltype(wake.flags)(EV_ADD | EV_CLEAR);
    if (kevent(kqueue_, &wake, 1, nullptr, 0, nullptr) == -1) {
      const int error = errno;
      ::close(kqueue_);
      raise_error(error, "kevent for EVFILT_USER");
    }
  }
  KqueueSelector(const KqueueSelector&) = delete;
  KqueueSelector& operator=(const KqueueSelector&) = delete;
  ~KqueueSelector() override { ::close(kqueue_); }

  std::string_view name() const noexcept override { return "kqueue"; }

  void register_(int fd, Events events, Trigger trigger, void* data) override {
    const std::string who = "kevent for descriptor " + std::to_string(fd);
    struct stat status{};
    if (fstat(fd, &status) == -1) raise_errno(who);
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
      raise_error(EPERM, who + ", which is a file and always ready");
    if (entries_.size() <= std::size_t(fd)) entries_.resize(std::size_t(fd) + 1);
    Entry& entry = entries_[std::size_t(fd)];
    if (entry.registered && is_alive(fd, entry)) raise_error(EEXIST, who);
    entry = {.data = data, .trigger = trigger, .registered = true};
    if (const int error = apply(fd, entry, events)) {
      unregister(fd);
      raise_error(error, who);
    }
  }

  void modify(int fd, Events events) override {
    Entry& entry = entries_[std::size_t(fd)];
    if (const int error = is_alive(fd, entry) ? apply(fd, entry, events) : ENOENT)
      raise_error(error, "kevent for descriptor " + std::to_string(fd));
  }

  void unregister(int fd) noexcept override {
    if (std::size_t(fd) >= entries_.size()) return;
    Entry& entry = entries_[std::size_t(fd)];
    if (!entry.registered) return;
    apply(fd, entry, Events::None);
    entry = {};
  }

  void arm(int, Events) override {}

  std::span<const Ready> select(std::optional<Duration> limit) override {
    ready_.clear();
    ++round_;
    if (!broken_.empty()) limit = Duration::zero();
    const int count = wait(limit);
    if (count == -1 && errno != EINTR) raise_errno("kevent");
    for (int i = 0; i < count; ++i) {
      const struct kevent& event = events_[std::size_t(i)];
      if (event.filter == decltype(event.filter)(EVFILT_USER)) continue;
      tell(entries_[std::size_t(event.ident)], events_of(event));
    }
    std::erase_if(broken_, [this](int fd) {
      Entry& entry = entries_[std::size_t(fd)];
      tell(entry, Events::Writable | Events::Hangup);
      return entry.trigger == Trigger::Edge;
    });
    return ready_;
  }

  void wake() noexcept override {
    struct kevent wake{};
    wake.filter = decltype(wake.filter)(EVFILT_USER);
    wake.fflags = NOTE_TRIGGER;
    kevent(kqueue_, &wake, 1, nullptr, 0, nullptr);
  }

  int fileno() const noexcept override { return kqueue_; }

 private:
  struct Entry {
    void* data = nullptr;
    Trigger trigger = Trigger::Level;
    bool registered = false;
    Events filters = Events::None;  // that the kernel has
    std::uint64_t round = 0;        // the select() that tells it, at `place` in ready_
    std::size_t place = 0;
  };

  /// Makes the kernel's filters those of `events`. Returns 0, or the number of the first error.
  int apply(int fd, Entry& entry, Events events) noexcept {
    std::array<struct kevent, 2> changes;
    int count = 0;
    const int add = entry.trigger == Trigger::Edge ? EV_ADD | EV_CLEAR : EV_ADD;
    for (const Events direction : {Events::Readable, Events::Writable})
      if (has(events, direction) || has(entry.filters, direction))
        changes[std::size_t(count++)] =
            change_of(fd, direction, has(events, direction) ? add : EV_DELETE);
    std::erase(broken_, fd);
    if (count == 0) return 0;
    if (kevent(kqueue_, changes.data(), count, changes.data(), count, &kNoTime) == -1) return errno;
    entry.filters = Events::None;
    int error = 0;
    for (int i = 0; i < count; ++i) {
      const struct kevent& receipt = changes[std::size_t(i)];
      const Events direction = receipt.filter == decltype(receipt.filter)(EVFILT_READ)
                                   ? Events::Readable
                                   : Events::Writable;
      if (!has(events, direction)) continue;  // deleted, or gone with its descriptor
      if (receipt.data == 0)
        entry.filters = entry.filters | direction;
      else if (receipt.data == EPIPE)
        broken_.push_back(fd);  // a pipe whose other end is gone: it is told, not refused
      else if (error == 0)
        error = int(receipt.data);
    }
    return error;
  }

  /// Whether it is the descriptor that was registered, and not a later one of the same number.
  bool is_alive(int fd, const Entry& entry) noexcept {
    if (entry.filters == Events::None) return true;
    const Events one = has(entry.filters, Events::Readable) ? Events::Readable : Events::Writable;
    struct kevent change = change_of(fd, one, EV_ENABLE);
    return kevent(kqueue_, &change, 1, &change, 1, &kNoTime) == 1 && change.data == 0;
  }

  void tell(Entry& entry, Events events) {
    if (!entry.registered) return;
    if (entry.round == round_) {
      ready_[entry.place].events = ready_[entry.place].events | events;
      return;
    }
    entry.round = round_;
    entry.place = ready_.size();
    ready_.push_back({entry.data, events});
  }

  int wait(std::optional<Duration> limit) noexcept {
    timespec timeout = kNoTime;
    if (limit && *limit > Duration::zero()) {
      const auto seconds = std::chrono::floor<std::chrono::seconds>(*limit);
      timeout.tv_sec = time_t(std::min(seconds, kLongestWait).count());
      timeout.tv_nsec = long((*limit - seconds).count());
    }
    return kevent(kqueue_, nullptr, 0, events_.data(), int(events_.size()),
                  limit ? &timeout : nullptr);
  }

  int kqueue_;
  std::vector<Entry> entries_;  // by descriptor
  std::vector<int> broken_;     // to be told: what they are written is lost
  std::uint64_t round_ = 0;
  std::array<struct kevent, kEventsPerCall> events_;
  std::vector<Ready> ready_;
};

}  // namespace

std::unique_ptr<Selector> make_selector() { return std::make_unique<KqueueSelector>(); }

}  // namespace weft
