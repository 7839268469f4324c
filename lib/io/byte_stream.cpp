#include <weft/io/byte_stream.h>

#include <algorithm>
#include <vector>

#include <weft/base/errors.h>

namespace weft {

namespace {

std::size_t size_of(Pieces pieces) noexcept {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  return size;
}

/// The first ones that hold something.
Pieces some_of(Pieces pieces, std::size_t most) noexcept {
  while (!pieces.empty() && pieces.front().empty()) pieces = pieces.subspan(1);
  return pieces.first(std::min(pieces.size(), most));
}

}  // namespace

std::size_t ByteStream::read_some(std::span<char> buffer) {
  if (buffer.empty()) throw ValueError("buffer: it is empty");
  return do_read(buffer);
}

std::size_t ByteStream::read_some(std::span<std::byte> buffer) {
  return read_some({reinterpret_cast<char*>(buffer.data()), buffer.size()});
}

std::size_t ByteStream::write_some(std::string_view data) {
  return data.empty() ? 0 : do_write({&data, 1});
}

std::size_t ByteStream::write_some(Pieces pieces) {
  const Pieces some = some_of(pieces, kMostPieces);
  return some.empty() ? 0 : do_write(some);
}

void ByteStream::write_all(std::string_view data) {
  while (!data.empty()) data.remove_prefix(write_some(data));
}

void ByteStream::write_all(Pieces pieces) {
  std::size_t left = size_of(pieces);
  if (left == 0) return;
  std::size_t written = write_some(pieces);
  left -= written;
  if (left == 0) return;
  std::vector<std::string_view> rest(pieces.begin(), pieces.end());
  auto first = rest.begin();
  for (;;) {
    for (; written >= first->size(); ++first) written -= first->size();
    first->remove_prefix(written);
    written = write_some(Pieces(first, rest.end()));
    left -= written;
    if (left == 0) return;
  }
}

std::size_t ByteStream::try_write(Pieces pieces) {
  const Pieces some = some_of(pieces, kMostPieces);
  return some.empty() ? 0 : do_try_write(some);
}

std::size_t ByteStream::do_try_write(Pieces) { return 0; }

}  // namespace weft
