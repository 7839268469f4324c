// White-box: the system's look-ups, replaced. They take as long as a test wants, and give what it
// wants.
#pragma once

#include <atomic>
#include <cerrno>
#include <latch>

#include <netdb.h>

#include "base/system.h"

/// While it lives each look-up begins, and goes on until let_go(). Then it ends with `code`, or if
/// that is 0 it looks digits up: "127.0.0.1" for any host.
class HeldLookup {
 public:
  explicit HeldLookup(int code = 0, int error = 0) : code_(code), error_(error) {
    present = this;
    weft::detail::system_calls.getaddrinfo = [](const char*, const char* service,
                                                const addrinfo* hints, addrinfo** found) {
      if (const int failed = present->hold()) return failed;
      const int result = ::getaddrinfo("127.0.0.1", service, hints, found);
      present->over_ = true;
      return result;
    };
    weft::detail::system_calls.getnameinfo = [](const sockaddr* address, socklen_t size, char* host,
                                                socklen_t host_size, char* service,
                                                socklen_t service_size, int) {
      if (const int failed = present->hold()) return failed;
      const int result = ::getnameinfo(address, size, host, host_size, service, service_size,
                                       NI_NUMERICHOST | NI_NUMERICSERV);
      present->over_ = true;
      return result;
    };
  }
  HeldLookup(const HeldLookup&) = delete;
  HeldLookup& operator=(const HeldLookup&) = delete;

  /// Requires: no thread is in a look-up.
  ~HeldLookup() {
    weft::detail::system_calls.getaddrinfo = ::getaddrinfo;
    weft::detail::system_calls.getnameinfo = ::getnameinfo;
  }

  void wait_until_begun() const { begun_.wait(false); }
  void let_go() const { go_.count_down(); }
  bool over() const { return over_; }

 private:
  int hold() {
    begun_ = true;
    begun_.notify_all();
    go_.wait();
    errno = error_;
    return code_;
  }

  static inline HeldLookup* present = nullptr;

  int code_, error_;
  std::atomic<bool> begun_ = false;
  mutable std::latch go_{1};
  std::atomic<bool> over_ = false;
};
