// What waits in a ByteStream. A kind has make(), which gives two ends that are connected.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <weft/io/byte_stream.h>

namespace waiting {

template <class Kind>
struct StreamEnds {
  decltype(Kind::make()) ends = Kind::make();

  weft::ByteStream& near() { return *ends.first; }
  weft::ByteStream& far() { return *ends.second; }

  std::string read_far() {
    std::string data(std::size_t{1} << 20, '\0');
    data.resize(far().read_some(std::span<char>(data)));
    return data;
  }
  void fill() {
    const std::string block(4096, 'x');
    for (const std::string_view piece : {std::string_view(block), std::string_view(".")})
      while (near().try_write({&piece, 1}) > 0) {
      }
  }
};

template <class Kind>
struct ReadSome : StreamEnds<Kind> {
  std::string wait() {
    std::string data(100, '\0');
    data.resize(this->near().read_some(std::span<char>(data)));
    return data;
  }
  void wake() { this->far().write_all("here"); }
  void fail() { this->near().close(); }
  void again() { this->ends = Kind::make(); }
};

template <class Kind>
struct WriteSome : StreamEnds<Kind> {
  WriteSome() { this->fill(); }
  std::size_t wait() { return this->near().write_some("x"); }
  void wake() { this->read_far(); }
  void fail() { this->far().close(); }
  void again() {
    this->ends = Kind::make();
    this->fill();
  }
};

template <class Kind>
struct WriteAll : WriteSome<Kind> {
  void wait() { this->near().write_all("x"); }
};

}  // namespace waiting
