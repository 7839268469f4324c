// What an event loop asks of the operating system. Layer: loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <weft/loop/clock.h>

namespace weft {

/// What can happen to a descriptor; a set of bits.
enum class Events : std::uint8_t {
  None = 0,
  Readable = 1,  ///< also: the peer has closed, or there is an error to be read
  Writable = 2,
  Both = 3,
  Hangup = 4  ///< told only: the peer has closed its side, or there is an error or urgent data
};
constexpr Events operator|(Events a, Events b) noexcept {
  return Events(std::uint8_t(a) | std::uint8_t(b));
}
constexpr Events operator&(Events a, Events b) noexcept {
  return Events(std::uint8_t(a) & std::uint8_t(b));
}
constexpr Events without(Events a, Events b) noexcept {
  return Events(std::uint8_t(a) & ~std::uint8_t(b));
}

/// How often a state of a descriptor is told.
enum class Trigger : std::uint8_t {
  Level,  ///< at each select(), for as long as it lasts
  Edge    ///< once, when it begins; again only after it has ended and begun anew, or after arm()
};

/// Watches many descriptors at once. One file each: epoll, kqueue, poll.
///
/// A descriptor that is closed while it is registered is forgotten. poll tells that once, as
/// Both | Hangup; epoll and kqueue say nothing, and epoll goes on to tell it while a duplicate is
/// open.
///
/// Source: the selectors module of Python
class Selector {
 public:
  /// One descriptor that is ready, by the pointer it was registered with.
  struct Ready {
    void* data;
    Events events;
  };

  virtual ~Selector() = default;
  virtual std::string_view name() const noexcept = 0;

  /// Throws: std::system_error that names the call; EPERM for what is always ready, such as a
  ///         regular file; EEXIST if `fd` is registered already.
  virtual void register_(int fd, Events events, Trigger trigger, void* data) = 0;

  /// What is the case at present is told anew, edges too.
  ///
  /// Requires: `fd` is registered. Throws: std::system_error; ENOENT if it has been forgotten.
  virtual void modify(int fd, Events events) = 0;

  /// Requires: `fd` is registered and still open.
  virtual void unregister(int fd) noexcept = 0;

  /// Somebody has found an edge-triggered `fd` not ready and is going to wait for `events`. Systems
  /// with edges of their own need nothing.
  virtual void arm(int fd, Events events) = 0;

  /// Waits until something is ready, the time is over (none: no limit), or wake() was called.
  ///
  /// Units: the limit is rounded up to what the system can express, so nothing comes early. The
  ///        result is good until the next call.
  virtual std::span<const Ready> select(std::optional<Duration> limit) = 0;

  /// Makes the present or next select() return at once.
  ///
  /// Thread: any; also from a signal handler.
  virtual void wake() noexcept = 0;

  /// A descriptor that is readable while select() has something to tell or wake() was called, so
  /// that another loop can watch this one; -1 if there is none, as with poll.
  virtual int fileno() const noexcept { return -1; }
};

/// The best one of this system: epoll on Linux, kqueue on macOS and the BSDs.
std::unique_ptr<Selector> make_selector();

/// Works on every POSIX system; its cost grows with the number of descriptors.
std::unique_ptr<Selector> make_poll_selector();

}  // namespace weft
