#include <weft/net/connect.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <netdb.h>

#include <fmt/format.h>

#include <weft/base/exception_group.h>
#include <weft/net/resolver.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/task/wait.h>
#include <weft/task/wait_queue.h>

#include "base/system.h"
#include "net/connect_limit.h"

namespace weft {

namespace {

const std::system_error& as_system_error(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& it) {
    return it;  // `error` keeps it
  }
}

std::string text_of(const std::vector<std::exception_ptr>& errors) {
  std::string text = "Multiple exceptions: ";
  for (const std::exception_ptr& error : errors)
    text += (error == errors.front() ? "" : ", ") + std::string(as_system_error(error).what());
  return text;
}

}  // namespace

ConnectError::ConnectError(std::vector<std::exception_ptr> errors)
    : std::system_error(as_system_error(errors.front()).code()),
      errors_(std::make_shared<const std::vector<std::exception_ptr>>(std::move(errors))),
      text_(std::make_shared<const std::string>(text_of(*errors_))) {}
ConnectError::~ConnectError() = default;

namespace {

/// The families take turns, behind the first `count` addresses of the first one.
std::vector<Address> interleaved(const std::vector<Address>& addresses, std::size_t count) {
  std::vector<std::vector<Address>> families;  // in the order in which they come up
  for (const Address& address : addresses) {
    const auto it = std::ranges::find(families, address.family(),
                                      [](const auto& list) { return list.front().family(); });
    if (it != families.end())
      it->push_back(address);
    else
      families.push_back({address});
  }
  std::vector<Address> ordered;
  std::vector<std::size_t> next(families.size(), 0);
  const auto take = [&](std::size_t family) {
    if (next[family] < families[family].size()) ordered.push_back(families[family][next[family]++]);
  };
  for (std::size_t i = 1; i < count && !families.empty() && i < families[0].size(); ++i) take(0);
  while (ordered.size() < addresses.size())
    for (std::size_t family = 0; family < families.size(); ++family) take(family);
  return ordered;
}

Socket connect_from(const Address& address, const std::vector<Address>& local_addresses) {
  ConnectOptions options;
  if (!local_addresses.empty()) {
    const auto it = std::ranges::find(local_addresses, address.family(), &Address::family);
    if (it == local_addresses.end())
      detail::raise_error(EADDRNOTAVAIL,
                          fmt::format("connect to {}: local_addresses has none of its family",
                                      address.to_string()));
    options.local_address = *it;
  }
  return Socket::connect(address, options);
}

/// Attempts side by side. It is shared by the tasks that make them, which may outlive the wait for
/// them if that is unwound.
class Race : public std::enable_shared_from_this<Race> {
 public:
  Race(std::vector<Address> addresses, const HostOptions& options)
      : addresses_(std::move(addresses)), options_(options), errors_(addresses_.size()) {}

  Socket run() {
    const Cancelling losers{*this};
    std::exception_ptr cancelled;
    try {
      begin_attempts();
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    cancel();
    while (!std::ranges::all_of(attempts_, &Task<>::done)) try {
        wait(attempts_);
      } catch (const CancelledError&) {
        cancelled = std::current_exception();
      }
    if (cancelled) std::rethrow_exception(cancelled);
    if (unexpected_) std::rethrow_exception(unexpected_);
    if (!winner_) raise();
    return std::move(*winner_);
  }

 private:
  /// If an exception from elsewhere passes, nobody waits for them.
  struct Cancelling {
    Race& race;
    ~Cancelling() { race.cancel(); }
  };

  void cancel() noexcept {
    for (const Task<>& attempt : attempts_) attempt.cancel();
  }

  /// Returns when it is clear what comes of them.
  void begin_attempts() {
    for (std::size_t i = 0; i < addresses_.size() && !is_over(); ++i) {
      attempts_.push_back(create_task({.name = "connect", .where = {}},
                                      [self = shared_from_this(), i] { self->attempt(i); }));
      if (i + 1 < addresses_.size()) wait_for_turn(i);
    }
    while (!is_over()) changed_.park("connect_to_host");
  }

  bool is_over() const noexcept { return winner_ || unexpected_ || failed_ == addresses_.size(); }

  void attempt(std::size_t i) {
    try {
      Socket socket = connect_from(addresses_[i], options_.local_addresses);
      if (!winner_) winner_ = std::move(socket);
    } catch (const std::system_error&) {
      errors_[i] = std::current_exception();
      ++failed_;
    } catch (const std::exception&) {
      unexpected_ = std::current_exception();
    }
    changed_.wake_all();
  }

  /// Until the next attempt may begin, or need not.
  void wait_for_turn(std::size_t i) {
    try {
      timeout(options_.happy_eyeballs_delay, [&] {
        while (!is_over() && !errors_[i]) changed_.park("connect_to_host");
      });
    } catch (const TimeoutError&) {
      // it goes on beside the next
    }
  }

  [[noreturn]] void raise() {
    if (options_.all_errors)
      std::rethrow_exception(make_exception_group("create_connection failed", errors_));
    const std::string first = as_system_error(errors_[0]).what();
    if (std::ranges::all_of(errors_, [&](const std::exception_ptr& error) {
          return as_system_error(error).what() == first;
        }))
      std::rethrow_exception(errors_[0]);
    throw ConnectError(errors_);
  }

  const std::vector<Address> addresses_;
  const HostOptions options_;
  std::vector<std::exception_ptr> errors_;  // of each attempt
  std::size_t failed_ = 0;
  std::exception_ptr unexpected_;
  std::vector<Task<>> attempts_;
  std::optional<Socket> winner_;
  WaitQueue changed_;
};

std::vector<Address> look_up(std::string_view host, int port, const HostOptions& options) {
  std::vector<Address> addresses;
  for (const AddressInfo& info : getaddrinfo(host, port, {.family = options.family}))
    addresses.push_back(info.address);
  if (addresses.empty())
    throw GaiError(EAI_NONAME, fmt::format("getaddrinfo for host '{}' gave nothing", host));
  const std::size_t count = options.interleave.value_or(options.happy_eyeballs_delay ? 1 : 0);
  return count > 0 ? interleaved(addresses, count) : addresses;
}

}  // namespace

Socket connect_to_host(std::string_view host, int port, const HostOptions& options) {
  return detail::connect_within(
      options.timeout, [&] { return fmt::format("{}:{}", host, port); },
      [&] {
        std::vector<Address> addresses = look_up(host, port, options);
        if (addresses.size() == 1 && !options.all_errors)
          return connect_from(addresses[0], options.local_addresses);
        return std::make_shared<Race>(std::move(addresses), options)->run();
      });
}

}  // namespace weft
