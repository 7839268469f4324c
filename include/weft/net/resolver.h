// Names of hosts and services, looked up in threads. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <weft/net/address.h>
#include <weft/task/context_var.h>

namespace weft {

/// A name that could not be looked up. `code().value()` is the system's number (EAI_NONAME,
/// EAI_AGAIN... of <netdb.h>), in gai_category(); what() names the host and the service:
/// "getaddrinfo for host 'nowhere', service '80': Name or service not known".
///
/// Source: socket.gaierror
class GaiError : public std::system_error {
 public:
  GaiError(int code, const std::string& what);
  ~GaiError() override;
};

/// Its texts are those of gai_strerror(3).
const std::error_category& gai_category() noexcept;

enum class SocketType : std::uint8_t { Any, Stream, Datagram };

struct AddressHints {
  Family family = Family::None;          ///< None: of any family
  SocketType type = SocketType::Stream;  ///< Any: an entry for each type
  int protocol = 0;                      ///< of <netinet/in.h>; 0: any
  int flags = 0;                         ///< AI_PASSIVE, AI_CANONNAME... of <netdb.h>
};

struct AddressInfo {
  Address address;
  SocketType type = SocketType::Stream;
  int protocol = 0;
  std::string canonical_name = {};  ///< of the first one, with AI_CANONNAME
};

/// The addresses of a host, in the order in which they should be tried. `host` is a name or an
/// address in digits; empty is this machine: its loopback addresses, or with AI_PASSIVE those of
/// all interfaces. `service` is a name or a port; empty is port 0.
///
/// A host and a port in digits are not looked up. All else goes to the resolver that is in use: see
/// Resolver.
///
/// Suspends:  until the answer is there; not at all for a host and a port in digits.
/// Cancelled: CancelledError at once. A look-up that has begun goes on in its thread, which nobody
///            can break off: what it gives is lost, and run() waits for its end. So a timeout()
///            around this is kept.
/// Throws:    GaiError; std::system_error for EAI_SYSTEM; ValueError that names `host` or `service`
///            if a zero byte is in it, `family` if that is Unix, or `port`; RuntimeError outside a
///            task if it would wait, and as to_thread().
/// Source:    loop.getaddrinfo
std::vector<AddressInfo> getaddrinfo(std::string_view host, std::string_view service,
                                     const AddressHints& hints = {});
std::vector<AddressInfo> getaddrinfo(std::string_view host, int port,
                                     const AddressHints& hints = {});

struct NameInfo {
  std::string host;
  std::string service;
  friend bool operator==(const NameInfo&, const NameInfo&) = default;
};

/// The names of an address; in digits where there are none. `flags` are NI_NAMEREQD,
/// NI_NUMERICHOST, NI_DGRAM... of <netdb.h>. With NI_NUMERICHOST and NI_NUMERICSERV nothing is
/// looked up.
///
/// Suspends, Cancelled: as getaddrinfo().
/// Throws:    GaiError, which names the address; ValueError if `address` is none of a host.
/// Source:    loop.getnameinfo
NameInfo getnameinfo(const Address& address, int flags = 0);

/// What looks names up: this one asks the system, in a thread of the loop's pool. A class of your
/// own may ask somebody else, remember answers, or in tests give some, late or not at all. Its
/// functions are called in the task that wants to know, and may wait.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver();

  virtual std::vector<AddressInfo> getaddrinfo(const std::string& host, const std::string& service,
                                               const AddressHints& hints);
  virtual NameInfo getnameinfo(const Address& address, int flags);
};

/// As long as this lives, `resolver` is asked by the present task, and by those that it creates
/// meanwhile: it is the value of a context variable.
///
/// Requires: it goes in the context in which it was made.
class UseResolver {
 public:
  /// Null: the system.
  explicit UseResolver(std::shared_ptr<Resolver> resolver);
  UseResolver(const UseResolver&) = delete;
  UseResolver& operator=(const UseResolver&) = delete;
  ~UseResolver();

 private:
  ContextVar<std::shared_ptr<Resolver>>::Token before_;
};

}  // namespace weft
