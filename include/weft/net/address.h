// Where a socket is: host and port, or a path. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

enum class Family : std::uint8_t { None, IPv4, IPv6, Unix };

/// The address of a socket. A value; no names are looked up.
class Address {
 public:
  /// Family::None: of an unnamed peer.
  Address() = default;

  /// `host` is an IPv4 or IPv6 address in digits, as "127.0.0.1", "::1" or "fe80::1%eth0".
  ///
  /// Throws: ValueError that names `host` or `port` and what it was.
  static Address ip(std::string_view host, int port);

  /// A path in the file system; one that begins with a zero byte is in Linux's abstract namespace.
  ///
  /// Throws: ValueError that names `path`: empty ones, and those beyond the system's limit (107
  ///         bytes on Linux).
  static Address unix_path(std::string_view path);

  /// What to_string() gives: "127.0.0.1:80", "[::1]:80", "unix:/run/x", "unix:@abstract".
  ///
  /// Throws: ValueError that names `address`, what it was, and what is wrong with it.
  static Address parse(std::string_view address);

  Family family() const noexcept;

  /// Throws: ValueError for a Unix address.
  int port() const;

  std::string to_string() const;

  friend bool operator==(const Address& a, const Address& b) noexcept;

  // As the system calls want it.
  const void* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return size_; }
  static Address from_system(const void* data, std::size_t size) noexcept;

 private:
  static constexpr std::size_t kCapacity = 128;  // of sockaddr_storage

  alignas(8) std::array<std::byte, kCapacity> bytes_{};
  std::uint32_t size_ = 0;
};

}  // namespace weft
