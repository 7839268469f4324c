#include "net/calls.h"

#include <fmt/format.h>

#include <weft/base/errors.h>

#include "base/system.h"

namespace weft::detail {

FileDescriptor open_socket_for(const Address& address, int type) {
  int domain = AF_UNSPEC;
  switch (address.family()) {
    case Family::IPv4:
      domain = AF_INET;
      break;
    case Family::IPv6:
      domain = AF_INET6;
      break;
    case Family::Unix:
      domain = AF_UNIX;
      break;
    case Family::None:
      throw ValueError("address: it is empty");
  }
  FileDescriptor fd(system_calls.socket(domain, type, 0));
  if (!fd) raise_for("socket for", address);
  return fd;
}

void set_option(int fd, int level, int option, int value, const char* name) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0)
    raise_errno(fmt::format("setsockopt {}", name));
}

void bind_to(int fd, const Address& address) {
  if (system_calls.bind(fd, system_address(address), socklen_t(address.size())) != 0)
    raise_for("bind to", address);
}

void raise_closed(const char* call) {
  raise_error(EBADF, fmt::format("{}: the socket is closed", call));
}

void raise_for(const char* call, const Address& address) {
  const int error = errno;
  raise_error(error, fmt::format("{} {}", call, address.to_string()));
}

void raise_here(const char* call, int fd, int error) {
  const Address end = ask(::getsockname, fd).value_or(Address());
  raise_error(error, fmt::format("{} on {}", call, end.to_string()));
}

void raise_between(const char* call, const char* preposition, int fd, int error) {
  const std::optional<Address> peer = ask(::getpeername, fd);
  if (!peer || peer->size() <= sizeof(sa_family_t)) raise_here(call, fd, error);
  raise_error(error, fmt::format("{} {} {}", call, preposition, peer->to_string()));
}

}  // namespace weft::detail
