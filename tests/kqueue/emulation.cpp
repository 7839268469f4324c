// kqueue over epoll, as far as its selector uses it. Its filters behave as those of macOS and
// FreeBSD: one for each direction, EV_EOF, EPIPE for a pipe that has lost its other end, no word
// about regular files, receipts, and the filters of a closed descriptor gone without a word.
//
// It is more generous than they are in one thing: an edge of one direction may tell the other one
// again, since epoll knows only descriptors. And it stops at a descriptor that is closed while a
// duplicate of it is open, which epoll goes on to tell.
//
// A queue is an epoll descriptor. NOTE_TRIGGER takes no lock: signal handlers call it.

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <vector>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

struct Filters {
  struct kevent read{};
  struct kevent write{};
  bool reads = false;
  bool writes = false;
  bool is_file = false;  // always ready, and unknown to epoll
};
using Queue = std::map<int, Filters>;  // by descriptor

std::mutex mutex;
std::map<int, Queue> queues;  // by the queue's own descriptor

/// Always readable: whoever is to be woken looks at it once.
const int beacon = eventfd(1, EFD_CLOEXEC);
constexpr std::uint64_t kBeacon = std::uint64_t(-1);

bool is_user(const struct kevent& change) { return change.filter == kevent_filter(EVFILT_USER); }
bool is_read(const struct kevent& change) { return change.filter == kevent_filter(EVFILT_READ); }

int control_beacon(int queue, int operation, std::uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = kBeacon;
  return epoll_ctl(queue, operation, beacon, &event);
}

/// Tells epoll what is wanted of `fd`. Returns 0 or the number of the error.
int control(int queue, int operation, int fd, const Filters& filters) {
  epoll_event event{};
  event.data.u64 = std::uint64_t(fd);
  if (filters.reads) event.events |= EPOLLIN | EPOLLRDHUP;
  if (filters.writes) event.events |= EPOLLOUT;
  const auto flags = (filters.reads ? filters.read : filters.write).flags;
  if (flags & EV_CLEAR) event.events |= std::uint32_t(EPOLLET) | (filters.reads ? EPOLLPRI : 0U);
  return epoll_ctl(queue, operation, fd, &event) == 0 ? 0 : errno;
}

bool is_file(int fd) {
  struct stat status{};
  return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

bool has_lost_its_end(int fd) {
  struct stat status{};
  pollfd one{fd, POLLOUT, 0};
  return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && poll(&one, 1, 0) == 1 &&
         (one.revents & (POLLERR | POLLHUP));
}

int add(int queue, Queue& known, const struct kevent& change) {
  const int fd = int(change.ident);
  if (is_file(fd)) return known[fd].is_file = true, 0;
  if (!is_read(change) && has_lost_its_end(fd)) return EPIPE;
  const bool fresh = known.find(fd) == known.end();
  Filters wanted = fresh ? Filters{} : known[fd];
  (is_read(change) ? wanted.read : wanted.write) = change;
  (is_read(change) ? wanted.reads : wanted.writes) = true;
  int error = control(queue, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, wanted);
  if (!fresh && error == ENOENT) {  // of this number, but closed meanwhile
    known.erase(fd);
    return add(queue, known, change);
  }
  if (error == 0) known[fd] = wanted;
  return error;
}

/// EV_DELETE and EV_ENABLE.
int change_known(int queue, Queue& known, const struct kevent& change) {
  const int fd = int(change.ident);
  const auto it = known.find(fd);
  if (it == known.end()) return ENOENT;
  Filters& filters = it->second;
  bool& there = is_read(change) ? filters.reads : filters.writes;
  if (!there) return ENOENT;
  if (change.flags & EV_DELETE) there = false;
  const bool any = filters.reads || filters.writes;
  const int error = control(queue, any ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, fd, filters);
  if (!any || error == ENOENT || error == EBADF) known.erase(it);
  return error == EBADF ? ENOENT : error;
}

int apply(int queue, Queue& known, const struct kevent& change) {
  if (is_user(change)) return control_beacon(queue, EPOLL_CTL_ADD, 0) == 0 ? 0 : errno;
  return change.flags & EV_ADD ? add(queue, known, change) : change_known(queue, known, change);
}

void tell(const Filters& filters, std::uint32_t mask, std::vector<struct kevent>& told) {
  const bool ended = mask & (EPOLLHUP | EPOLLERR);
  if (filters.reads && mask & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    struct kevent event = filters.read;
    event.flags = kevent_flags(ended || mask & EPOLLRDHUP ? EV_EOF : 0);
#ifdef EV_OOBAND
    if (mask & EPOLLPRI) event.flags = kevent_flags(event.flags | EV_OOBAND);
#endif
    told.push_back(event);
  }
  if (filters.writes && mask & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
    struct kevent event = filters.write;
    event.flags = kevent_flags(ended ? EV_EOF : 0);
    told.push_back(event);
  }
}

int wait(int queue, struct kevent* events, int count, const timespec* limit) {
  std::vector<epoll_event> ready(std::size_t(count) / 2);  // each may become two
  pollfd all{queue, POLLIN, 0};
  if (ppoll(&all, 1, limit, nullptr) == -1) return -1;  // epoll_wait knows no nanoseconds
  const int found = epoll_wait(queue, ready.data(), int(ready.size()), 0);
  if (found == -1) return -1;
  const std::lock_guard lock(mutex);
  const Queue& known = queues[queue];
  std::vector<struct kevent> told;
  for (int i = 0; i < found; ++i) {
    const epoll_event& one = ready[std::size_t(i)];
    if (one.data.u64 == kBeacon) {
      told.push_back({});
      told.back().filter = kevent_filter(EVFILT_USER);
    } else if (const auto it = known.find(int(one.data.u64)); it != known.end()) {
      tell(it->second, one.events, told);
    }
  }
  std::copy(told.begin(), told.end(), events);
  return int(told.size());
}

}  // namespace

int kqueue() {
  const int queue = epoll_create1(0);
  const std::lock_guard lock(mutex);
  if (queue != -1) queues[queue] = {};
  return queue;
}

int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const timespec* limit) {
  if (change_count == 1 && is_user(*changes) && changes->fflags & NOTE_TRIGGER)
    return control_beacon(queue, EPOLL_CTL_MOD, EPOLLIN);
  int told = 0;
  if (change_count > 0) {
    const std::lock_guard lock(mutex);
    for (int i = 0; i < change_count; ++i) {
      const struct kevent change = changes[i];
      const int error = apply(queue, queues[queue], change);
      if (error == 0 && !(change.flags & EV_RECEIPT)) continue;
      if (told == event_count) return errno = error, -1;
      events[told] = change;
      events[told].flags = kevent_flags(EV_ERROR);
      events[told++].data = error;
    }
  }
  if (told > 0 || event_count == 0) return told;
  return wait(queue, events, event_count, limit);
}
