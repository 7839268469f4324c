// What the tests of sockets share.
#pragma once

#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/net/socket.h>
#include <weft/task/task.h>

#include "../io/selectors.h"

enum class Kind { IPv4, IPv6, UnixPath, Abstract, Pair };

/// A name that nothing else has, for a Unix socket.
inline std::string unused_name() {
  static int count = 0;
  return "weft-net-test-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

/// Where a server of this kind can listen.
inline weft::Address free_address(Kind kind) {
  switch (kind) {
    case Kind::IPv4:
      return weft::Address::ip("127.0.0.1", 0);
    case Kind::IPv6:
      return weft::Address::ip("::1", 0);
    case Kind::Abstract:
      return weft::Address::unix_path('\0' + unused_name());
    default:
      return weft::Address::unix_path("/tmp/" + unused_name());
  }
}

inline bool has_ipv6() {
  static const bool has = errno_of([] { weft::Socket::listen(free_address(Kind::IPv6)); }) == 0;
  if (!has) MESSAGE("skipped: this machine has no IPv6");
  return has;
}

/// Removes the file of a Unix socket when it is no longer needed.
class Unlink {
 public:
  explicit Unlink(const weft::Address& address) {
    const std::string text = address.to_string();
    if (text.starts_with("unix:/")) path_ = text.substr(5);
  }
  Unlink(const Unlink&) = delete;
  Unlink& operator=(const Unlink&) = delete;
  ~Unlink() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

 private:
  std::string path_;
};

/// Two sockets that are connected to each other; the server's was accepted.
struct Connection {
  weft::Socket client, server;

  explicit Connection(Kind kind = Kind::Pair) : Connection(make(kind)) {}

 private:
  explicit Connection(std::pair<weft::Socket, weft::Socket> ends)
      : client(std::move(ends.first)), server(std::move(ends.second)) {}

  static std::pair<weft::Socket, weft::Socket> make(Kind kind) {
    if (kind == Kind::Pair) return weft::Socket::pair();
    weft::Socket listener = weft::Socket::listen(free_address(kind));
    const Unlink unlink(listener.local_address());
    weft::Socket client = weft::Socket::connect(listener.local_address());
    return {std::move(client), listener.accept()};
  }
};

/// Calls `body` with each kind of stream socket that this machine has.
inline void for_each_kind(const std::function<void(Kind)>& body) {
  for (const Kind kind : {Kind::IPv4, Kind::IPv6, Kind::UnixPath, Kind::Abstract, Kind::Pair}) {
    if (kind == Kind::IPv6 && !has_ipv6()) continue;
    INFO("kind ", int(kind));
    body(kind);
  }
}

/// All that comes until the end of the stream.
inline std::string recv_all(weft::Socket& socket) {
  std::string all;
  for (std::string part; !(part = socket.recv(1 << 16)).empty();) all += part;
  return all;
}

/// Exactly `size` bytes, or fewer at the end of the stream.
inline std::string recv_exactly(weft::Socket& socket, std::size_t size) {
  std::string all;
  while (all.size() < size) {
    const std::string part = socket.recv(size - all.size());
    if (part.empty()) break;
    all += part;
  }
  return all;
}

/// Sends until the system takes no more; the next send() waits.
inline void fill(weft::Socket& socket) {
  const std::string bytes(1 << 16, 'x');
  while (::write(socket.fd(), bytes.data(), bytes.size()) > 0) {
  }
}
