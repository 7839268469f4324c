// What calls on sockets of all kinds have in common. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <memory>
#include <optional>

#include <sys/socket.h>

#include <weft/io/fd.h>
#include <weft/net/address.h>

namespace weft::detail {

inline const sockaddr* system_address(const Address& address) noexcept {
  return static_cast<const sockaddr*>(address.data());
}

inline bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

/// `type` is SOCK_STREAM or SOCK_DGRAM.
FileDescriptor open_socket_for(const Address& address, int type);
void set_option(int fd, int level, int option, int value, const char* name);
void bind_to(int fd, const Address& address);

/// `call` is getsockname or getpeername. None if it fails.
template <class Call>
std::optional<Address> ask(Call call, int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (call(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return Address::from_system(&storage, size);
}

[[noreturn]] void raise_closed(const char* call);

/// Before each call: the socket is open, and no task waits for the same.
inline WatchedFd& usable(const std::unique_ptr<WatchedFd>& socket, Events direction,
                         const char* call) {
  if (!socket || socket->closed()) raise_closed(call);
  socket->check_alone(direction, call);
  return *socket;
}

/// `call` says "bind to". Nothing may come between the failed call and this one, which keeps errno.
[[noreturn]] void raise_for(const char* call, const Address& address);
/// "accept on" this end.
[[noreturn]] void raise_here(const char* call, int fd, int error);
/// "recv from" the peer; or "recv on" this end if the peer has no name, or none any more.
[[noreturn]] void raise_between(const char* call, const char* preposition, int fd, int error);

}  // namespace weft::detail
