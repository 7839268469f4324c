// Pieces as the system calls want them. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>

#include <sys/uio.h>

#include <weft/io/byte_stream.h>

namespace weft::detail {

class Vectors {
 public:
  static constexpr std::size_t kMost = 64;

  /// Takes the first kMost.
  explicit Vectors(Pieces pieces) noexcept {
    for (const std::string_view piece : pieces) {
      if (size_ == kMost) break;
      vectors_[size_++] = {const_cast<char*>(piece.data()), piece.size()};
    }
  }
  iovec* data() noexcept { return vectors_.data(); }
  const iovec* data() const noexcept { return vectors_.data(); }
  int size() const noexcept { return int(size_); }

 private:
  std::array<iovec, kMost> vectors_;
  std::size_t size_ = 0;
};

}  // namespace weft::detail
