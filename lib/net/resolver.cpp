#include <weft/net/resolver.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/io/to_thread.h>

#include "base/system.h"

namespace weft {

// ---- errors

namespace {

class GaiCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return gai_strerror(code); }
};

}  // namespace

const std::error_category& gai_category() noexcept {
  static const GaiCategory category;
  return category;
}

GaiError::GaiError(int code, const std::string& what)
    : std::system_error(code, gai_category(), what) {}
GaiError::~GaiError() = default;

namespace {

/// What the system answered: made in a thread, so the caller raises the error.
struct Answer {
  int code = 0;
  int error = 0;  // errno, for EAI_SYSTEM
};

void raise_if_failed(const Answer& answer, const std::string& what) {
  if (answer.code == EAI_SYSTEM) detail::raise_error(answer.error, what);
  if (answer.code != 0) throw GaiError(answer.code, what);
}

// ---- names to addresses

struct Addresses : Answer {
  std::vector<AddressInfo> found;
};

int system_family(Family family) {
  switch (family) {
    case Family::None:
      return AF_UNSPEC;
    case Family::IPv4:
      return AF_INET;
    case Family::IPv6:
      return AF_INET6;
    case Family::Unix:
      break;
  }
  throw ValueError("family: a Unix socket has no host");
}

int system_type(SocketType type) noexcept {
  switch (type) {
    case SocketType::Any:
      break;
    case SocketType::Stream:
      return SOCK_STREAM;
    case SocketType::Datagram:
      return SOCK_DGRAM;
  }
  return 0;
}

void append(const addrinfo& it, std::vector<AddressInfo>& to) {
  const bool stream = it.ai_socktype == SOCK_STREAM;
  const bool of_ip = it.ai_family == AF_INET || it.ai_family == AF_INET6;
  if (!of_ip || (!stream && it.ai_socktype != SOCK_DGRAM)) return;
  to.push_back({.address = Address::from_system(it.ai_addr, it.ai_addrlen),
                .type = stream ? SocketType::Stream : SocketType::Datagram,
                .protocol = it.ai_protocol,
                .canonical_name = it.ai_canonname ? it.ai_canonname : ""});
}

/// Blocks. `call` was read from the table in the loop's thread, which may replace it meanwhile.
Addresses ask(decltype(detail::SystemCalls::getaddrinfo) call, const std::string& host,
              const std::string& service, const addrinfo& hints) {
  Addresses answer;
  addrinfo* first = nullptr;
  answer.code = call(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &first);
  answer.error = errno;
  if (answer.code != 0) return answer;
  struct Free {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
  };
  const std::unique_ptr<addrinfo, Free> owner(first);
  for (const addrinfo* it = first; it; it = it->ai_next) append(*it, answer.found);
  return answer;
}

addrinfo system_hints(const AddressHints& hints) {
  addrinfo it{};
  it.ai_family = system_family(hints.family);
  it.ai_socktype = system_type(hints.type);
  it.ai_protocol = hints.protocol;
  it.ai_flags = hints.flags;
  return it;
}

std::vector<AddressInfo> checked(Addresses answer, const std::string& host,
                                 const std::string& service) {
  raise_if_failed(answer, fmt::format("getaddrinfo for host '{}', service '{}'", host, service));
  return std::move(answer.found);
}

bool is_number(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// An address, or none: this machine.
bool needs_no_look_up(const std::string& host) {
  if (host.empty()) return true;
  const std::string digits = host.substr(0, host.find('%'));
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, digits.c_str(), &address) == 1;
}

void refuse_zero_byte(const char* argument, std::string_view text) {
  if (text.find('\0') != text.npos)
    throw ValueError(fmt::format("{}: '{}' contains a zero byte", argument, text));
}

/// The system would take the lower 16 bits.
void check_port(std::string_view service) {
  constexpr std::size_t kLongest = 5;
  const std::size_t zeros = std::min(service.find_first_not_of('0'), service.size());
  const std::string_view digits = service.substr(zeros);
  if (digits.size() > kLongest || (digits.size() == kLongest && digits > "65535"))
    throw ValueError(fmt::format("port: {} is not between 0 and 65535", service));
}

// ---- addresses to names

struct Names : Answer {
  NameInfo found;
};

Names ask(decltype(detail::SystemCalls::getnameinfo) call, const Address& address, int flags) {
  Names answer;
  char host[NI_MAXHOST] = {};
  char service[NI_MAXSERV] = {};
  answer.code = call(static_cast<const sockaddr*>(address.data()), socklen_t(address.size()), host,
                     sizeof host, service, sizeof service, flags);
  answer.error = errno;
  if (answer.code == 0) answer.found = {host, service};
  return answer;
}

NameInfo checked(Names answer, const Address& address) {
  raise_if_failed(answer, fmt::format("getnameinfo for {}", address.to_string()));
  return std::move(answer.found);
}

// ---- who is asked

using InUse = ContextVar<std::shared_ptr<Resolver>>;

InUse& in_use() {
  static InUse variable("weft.resolver", std::make_shared<Resolver>());
  return variable;
}

std::shared_ptr<Resolver> or_system(std::shared_ptr<Resolver> resolver) {
  return resolver ? std::move(resolver) : std::make_shared<Resolver>();
}

}  // namespace

Resolver::~Resolver() = default;

std::vector<AddressInfo> Resolver::getaddrinfo(const std::string& host, const std::string& service,
                                               const AddressHints& hints) {
  Addresses answer = to_thread({.abandon_on_cancel = true},
                               [call = detail::system_calls.getaddrinfo, host, service,
                                it = system_hints(hints)] { return ask(call, host, service, it); });
  return checked(std::move(answer), host, service);
}

NameInfo Resolver::getnameinfo(const Address& address, int flags) {
  Names answer =
      to_thread({.abandon_on_cancel = true}, [call = detail::system_calls.getnameinfo, address,
                                              flags] { return ask(call, address, flags); });
  return checked(std::move(answer), address);
}

UseResolver::UseResolver(std::shared_ptr<Resolver> resolver)
    : before_(in_use().set(or_system(std::move(resolver)))) {}
UseResolver::~UseResolver() {
  try {
    in_use().reset(before_);
  } catch (const Exception&) {
    // its task is unwound by the end of the loop, and takes its context along
  }
}

std::vector<AddressInfo> getaddrinfo(std::string_view host, std::string_view service,
                                     const AddressHints& hints) {
  refuse_zero_byte("host", host);
  refuse_zero_byte("service", service);
  addrinfo direct = system_hints(hints);
  const std::string h(host);
  const std::string s(service.empty() ? "0" : service);
  if (is_number(s)) {
    check_port(s);
    if (needs_no_look_up(h)) {
      direct.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
      return checked(ask(detail::system_calls.getaddrinfo, h, s, direct), h, s);
    }
  }
  const std::shared_ptr<Resolver> resolver = in_use().get();
  return resolver->getaddrinfo(h, s, hints);
}

std::vector<AddressInfo> getaddrinfo(std::string_view host, int port, const AddressHints& hints) {
  if (port < 0 || port > 65535)
    throw ValueError(fmt::format("port: {} is not between 0 and 65535", port));
  return getaddrinfo(host, std::to_string(port), hints);
}

NameInfo getnameinfo(const Address& address, int flags) {
  if (address.family() != Family::IPv4 && address.family() != Family::IPv6)
    throw ValueError(fmt::format("address: {} is none of a host", address.to_string()));
  constexpr int kInDigits = NI_NUMERICHOST | NI_NUMERICSERV;
  if ((flags & kInDigits) == kInDigits)
    return checked(ask(detail::system_calls.getnameinfo, address, flags), address);
  const std::shared_ptr<Resolver> resolver = in_use().get();
  return resolver->getnameinfo(address, flags);
}

}  // namespace weft
