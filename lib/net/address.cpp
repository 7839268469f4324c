#include <weft/net/address.h>

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>

#include <weft/base/errors.h>

#include <net/if.h>

namespace weft {

namespace {

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);
constexpr std::size_t kPathCapacity = sizeof(sockaddr_un::sun_path);
constexpr std::string_view kUnixPrefix = "unix:";

template <class T>
T as(const Address& address) noexcept {
  T value{};
  std::memcpy(&value, address.data(), std::min(sizeof value, address.size()));
  return value;
}

int checked_port(int port) {
  if (port < 0 || port > 65535)
    throw ValueError(fmt::format("port: {} is not between 0 and 65535", port));
  return port;
}

int parse_port(std::string_view text) {
  int port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || port > 65535)
      throw ValueError(fmt::format("port: '{}' is no number between 0 and 65535", text));
    port = port * 10 + (c - '0');
  }
  if (text.empty()) throw ValueError("port: there is none");
  return checked_port(port);
}

/// The part behind '%': an interface by name or number.
std::uint32_t parse_scope(const std::string& scope, std::string_view host) {
  if (const unsigned int index = if_nametoindex(scope.c_str())) return index;
  const bool digits = !scope.empty() && scope.size() < 10 &&
                      std::ranges::all_of(scope, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) throw ValueError(fmt::format("host: '{}' names no interface behind '%'", host));
  return std::uint32_t(std::stoul(scope));
}

}  // namespace

Address Address::from_system(const void* data, std::size_t size) noexcept {
  Address address;
  address.size_ = std::uint32_t(std::min(size, kCapacity));
  std::memcpy(address.bytes_.data(), data, address.size_);
  return address;
}

Address Address::ip(std::string_view host, int port) {
  checked_port(port);
  if (host.find('\0') != host.npos)
    throw ValueError(fmt::format("host: '{}' contains a zero byte", host));
  const std::size_t percent = host.find('%');
  const std::string digits(host.substr(0, percent));
  sockaddr_in v4{};
  if (percent == host.npos && inet_pton(AF_INET, digits.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(std::uint16_t(port));
    return from_system(&v4, sizeof v4);
  }
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET6, digits.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(std::uint16_t(port));
    if (percent != host.npos)
      v6.sin6_scope_id = parse_scope(std::string(host.substr(percent + 1)), host);
    return from_system(&v6, sizeof v6);
  }
  throw ValueError(fmt::format("host: '{}' is neither an IPv4 nor an IPv6 address", host));
}

Address Address::unix_path(std::string_view path) {
  if (path.empty()) throw ValueError("path: a Unix socket needs one");
  const bool abstract = path.front() == '\0';
  if (path.size() + (abstract ? 0 : 1) > kPathCapacity)
    throw ValueError(fmt::format("path: '{}' has {} bytes, more than a Unix socket's may have",
                                 path, path.size()));
  if (!abstract && path.find('\0') != path.npos)
    throw ValueError("path: a zero byte may only be the first of a Unix socket's");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return from_system(&address, kPathOffset + path.size() + (abstract ? 0 : 1));
}

namespace {

Address parse_parts(std::string_view address) {
  if (address.substr(0, kUnixPrefix.size()) == kUnixPrefix) {
    std::string path(address.substr(kUnixPrefix.size()));
    if (!path.empty() && path.front() == '@') path.front() = '\0';
    return Address::unix_path(path);
  }
  const std::size_t colon = address.rfind(':');
  if (colon == address.npos) throw ValueError("port: there is none");
  std::string_view host = address.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != host.npos))
    throw ValueError("brackets stand around an IPv6 address before its port, and only there");
  return Address::ip(host, parse_port(address.substr(colon + 1)));
}

}  // namespace

Address Address::parse(std::string_view address) {
  try {
    return parse_parts(address);
  } catch (const ValueError& error) {
    throw ValueError(fmt::format("address: '{}': {}", address, error.message()));
  }
}

Family Address::family() const noexcept {
  if (size_ < sizeof(sa_family_t)) return Family::None;
  switch (as<sockaddr_un>(*this).sun_family) {
    case AF_INET:
      return Family::IPv4;
    case AF_INET6:
      return Family::IPv6;
    case AF_UNIX:
      return Family::Unix;
    default:
      return Family::None;
  }
}

int Address::port() const {
  switch (family()) {
    case Family::IPv4:
      return ntohs(as<sockaddr_in>(*this).sin_port);
    case Family::IPv6:
      return ntohs(as<sockaddr_in6>(*this).sin6_port);
    default:
      throw ValueError(fmt::format("port: '{}' has none", to_string()));
  }
}

std::string Address::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  switch (family()) {
    case Family::IPv4: {
      const auto v4 = as<sockaddr_in>(*this);
      inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
      return fmt::format("{}:{}", text, port());
    }
    case Family::IPv6: {
      const auto v6 = as<sockaddr_in6>(*this);
      inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
      if (v6.sin6_scope_id == 0) return fmt::format("[{}]:{}", text, port());
      char name[IF_NAMESIZE] = {};
      return if_indextoname(v6.sin6_scope_id, name)
                 ? fmt::format("[{}%{}]:{}", text, name, port())
                 : fmt::format("[{}%{}]:{}", text, v6.sin6_scope_id, port());
    }
    case Family::Unix: {
      if (size_ <= kPathOffset) return "unix:";
      const auto un = as<sockaddr_un>(*this);
      std::string path(un.sun_path, size_ - kPathOffset);
      const bool abstract = path.front() == '\0';
      if (abstract)
        path.front() = '@';
      else
        path.resize(std::strlen(path.c_str()));
      // A file whose name begins with @ must not look like an abstract one.
      return (path.front() == '@' && !abstract ? "unix:./" : "unix:") + path;
    }
    case Family::None:
      break;
  }
  return "unnamed";
}

bool operator==(const Address& a, const Address& b) noexcept {
  return a.size_ == b.size_ && std::memcmp(a.data(), b.data(), a.size_) == 0;
}

}  // namespace weft
