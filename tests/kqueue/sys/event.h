// kqueue as programs see it, so that its selector compiles on systems that have none: the layout
// and the numbers of macOS, or with LIKE_FREEBSD or LIKE_NETBSD those of that system. White-box.
#pragma once
#pragma GCC system_header  // as the real one is: a function hides the type of its name

#include <cstdint>
#include <ctime>

#if defined(LIKE_NETBSD)
using kevent_filter = std::uint32_t;
using kevent_flags = std::uint32_t;
using kevent_data = std::int64_t;
#define EVFILT_READ 0U
#define EVFILT_WRITE 1U
#define EVFILT_PROC 4U
#define EVFILT_USER 8U
#elif defined(LIKE_FREEBSD)
using kevent_filter = short;
using kevent_flags = unsigned short;
using kevent_data = std::int64_t;
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_PROC (-5)
#define EVFILT_USER (-11)
#else
using kevent_filter = std::int16_t;
using kevent_flags = std::uint16_t;
using kevent_data = std::intptr_t;
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_PROC (-5)
#define EVFILT_USER (-10)
#define EV_OOBAND 0x2000
#endif

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_ERROR 0x4000
#define EV_EOF 0x8000
#define NOTE_TRIGGER 0x01000000
#define NOTE_EXIT 0x80000000U

struct kevent {
  std::uintptr_t ident;
  kevent_filter filter;
  kevent_flags flags;
  std::uint32_t fflags;
  kevent_data data;
  void* udata;
#ifdef LIKE_FREEBSD
  std::uint64_t ext[4];
#endif
};

extern "C" int kqueue();
extern "C" int kevent(int queue, const struct kevent* changes, int change_count,
                      struct kevent* events, int event_count, const timespec* limit);
