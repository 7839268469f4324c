// Connections to hosts that have a name, and so several addresses. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <weft/loop/clock.h>
#include <weft/net/address.h>
#include <weft/net/socket.h>

namespace weft {

struct HostOptions {
  /// Of it all, the look-up included. None: as long as the system tries.
  std::optional<Duration> timeout = {};

  /// How long an attempt may take before the next one begins beside it. None: each begins when the
  /// one before has failed. Source: RFC 8305, "Connection Attempt Delay"
  std::optional<Duration> happy_eyeballs_delay = std::chrono::milliseconds(250);

  /// How many addresses of the first family are tried before the families take turns. 0: the order
  /// is the resolver's. None: 1 if there is a delay, else 0.
  std::optional<std::size_t> interleave = {};

  Family family = Family::None;  ///< None: of any family

  /// Where this end is to be, one address of each family; port 0 takes a free one. With any, no
  /// address of another family is connected to.
  std::vector<Address> local_addresses = {};

  bool all_errors = false;  ///< if no attempt succeeds, throw an ExceptionGroup
};

/// All attempts have failed, for different reasons. `code()` is that of the first; what() has the
/// texts of all: "Multiple exceptions: connect to [::1]:1: Connection refused, connect to...".
class ConnectError : public std::system_error {
 public:
  /// Requires: each is a std::system_error; there is one at least.
  explicit ConnectError(std::vector<std::exception_ptr> errors);
  ~ConnectError() override;

  const char* what() const noexcept override { return text_->c_str(); }

  /// In the order in which the attempts began.
  const std::vector<std::exception_ptr>& errors() const noexcept { return *errors_; }

 private:
  std::shared_ptr<const std::vector<std::exception_ptr>> errors_;  // copies must not throw
  std::shared_ptr<const std::string> text_;
};

/// Looks `host` up, and connects to one of its addresses: attempts begin one after the other, each
/// when the one before has failed or taken `happy_eyeballs_delay`; the first that succeeds is
/// taken, and the others are cancelled and closed.
///
/// Suspends:  until a connection stands or all attempts have failed, and those that are not needed
///            have ended.
/// Cancelled: CancelledError; all sockets are closed.
/// Throws:    GaiError. If no attempt succeeds, the error that all have; or ConnectError; or with
///            `all_errors` an ExceptionGroup "create_connection failed". TimeoutError that names
///            host and port. ValueError as getaddrinfo(); RuntimeError outside a task.
/// Source:    loop.create_connection, RFC 8305
Socket connect_to_host(std::string_view host, int port, const HostOptions& options = {});

}  // namespace weft
