// White-box: the system's look-ups, replaced. They take as long as a test wants.
#pragma once

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>

#include <netdb.h>

#include "base/system.h"

/// While it lives each look-up begins, and goes on until let_go(). Then it ends with `code`, or if
/// that is 0 it looks digits up: "127.0.0.1" for any host.
class HeldLookup {
 public:
  explicit HeldLookup(int code = 0, int error = 0) : state_(std::make_shared<State>()) {
    state_->code = code;
    state_->error = error;
    replace_present(state_);
    weft::detail::system_calls.getaddrinfo = look_up_host;
    weft::detail::system_calls.getnameinfo = look_up_name;
  }
  HeldLookup(const HeldLookup&) = delete;
  HeldLookup& operator=(const HeldLookup&) = delete;

  /// let_go(); a thread may still be on its way out.
  ~HeldLookup() {
    let_go();
    weft::detail::system_calls.getaddrinfo = ::getaddrinfo;
    weft::detail::system_calls.getnameinfo = ::getnameinfo;
  }

  void wait_until_begun() const { state_->begun.wait(false); }
  void let_go() const {
    state_->go = true;
    state_->go.notify_all();
  }
  /// With this error.
  void let_fail(int code) const {
    state_->code = code;
    let_go();
  }
  bool over() const { return state_->over; }

 private:
  struct State {
    std::atomic<int> code = 0;
    int error = 0;
    std::atomic<bool> begun = false, go = false, over = false;

    int hold() {
      begun = true;
      begun.notify_all();
      go.wait(false);
      over = true;
      errno = error;
      return code;
    }
  };

  static int look_up_host(const char*, const char* service, const addrinfo* hints,
                          addrinfo** found) {
    if (const int failed = present()->hold()) return failed;
    return ::getaddrinfo("127.0.0.1", service, hints, found);
  }
  static int look_up_name(const sockaddr* address, socklen_t size, char* host, socklen_t host_size,
                          char* service, socklen_t service_size, int) {
    if (const int failed = present()->hold()) return failed;
    return ::getnameinfo(address, size, host, host_size, service, service_size,
                         NI_NUMERICHOST | NI_NUMERICSERV);
  }

  static std::shared_ptr<State> present() {
    const std::lock_guard lock(mutex);
    return last;
  }
  static void replace_present(std::shared_ptr<State> state) {
    const std::lock_guard lock(mutex);
    last = std::move(state);
  }

  static inline std::mutex mutex;
  static inline std::shared_ptr<State> last;

  std::shared_ptr<State> state_;
};
