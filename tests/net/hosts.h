// White-box: hosts that a test makes up, and attempts to connect to them, which end as it wants.
#pragma once

#include <cerrno>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <weft/net/resolver.h>
#include <weft/net/socket.h>
#include <weft/task/sleep.h>
#include <weft/testing/log.h>

#include "base/system.h"

/// Answers from a table, after a while.
class HostTable final : public weft::Resolver {
 public:
  std::map<std::string, std::vector<weft::Address>> hosts;
  weft::Duration delay{};
  int asked = 0;

  std::vector<weft::AddressInfo> getaddrinfo(const std::string& host, const std::string& service,
                                             const weft::AddressHints&) override {
    ++asked;
    if (delay != weft::Duration{}) weft::sleep(delay);
    const auto it = hosts.find(host);
    if (it == hosts.end()) throw weft::GaiError(EAI_NONAME, "no " + host + ", nor " + service);
    std::vector<weft::AddressInfo> found;
    for (const weft::Address& address : it->second) found.push_back({.address = address});
    return found;
  }
  weft::NameInfo getnameinfo(const weft::Address& address, int) override {
    return {.host = "host of " + address.to_string(), .service = "any"};
  }
};

/// While it lives it decides what comes of each attempt to connect over IPv4 or IPv6: at once, or,
/// if it hangs, when the test says so. What succeeds is connected to `listener`, over IPv4 in any
/// case, so that no IPv6 is needed.
class Attempts {
 public:
  enum class Answer : unsigned char { Connect, Refuse, Hang };

  weft::Socket listener = weft::Socket::listen(weft::Address::ip("127.0.0.1", 0));
  std::map<std::string, Answer> answers;  // by address; others hang
  weft::testing::Log log;                 // which have begun, and when

  Attempts() {
    present = this;
    weft::detail::system_calls.connect = [](int fd, const sockaddr* address, socklen_t size) {
      return present->begin(fd, weft::Address::from_system(address, size).to_string());
    };
    weft::detail::system_calls.socket = [](int, int type, int protocol) {
      return weft::detail::open_socket(AF_INET, type, protocol);
    };
  }
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;
  ~Attempts() {
    weft::detail::system_calls.connect = ::connect;
    weft::detail::system_calls.socket = weft::detail::open_socket;
  }

  /// One that hangs succeeds.
  void finish(const std::string& address) {
    connect(hanging_.at(address));
    hanging_.erase(address);
  }

 private:
  int begin(int fd, const std::string& address) {
    const auto since = weft::now() - start_;
    log(address + " at " +
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(since).count()));
    const auto it = answers.find(address);
    switch (it == answers.end() ? Answer::Hang : it->second) {
      case Answer::Connect:
        return connect(fd);
      case Answer::Refuse:
        errno = ECONNREFUSED;
        return -1;
      case Answer::Hang:
        break;
    }
    hanging_[address] = fd;
    errno = EINPROGRESS;
    return -1;
  }
  int connect(int fd) const {
    const weft::Address where = listener.local_address();
    return ::connect(fd, static_cast<const sockaddr*>(where.data()), socklen_t(where.size()));
  }

  static inline Attempts* present = nullptr;

  weft::TimePoint start_ = weft::now();
  std::map<std::string, int> hanging_;
};
