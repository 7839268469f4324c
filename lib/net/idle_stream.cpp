#include "net/idle_stream.h"

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/task/sleep.h>
#include <weft/task/timeout.h>

#include "base/system.h"

namespace weft {

IdleStream::IdleStream(Socket socket, Duration limit)
    : stream_(std::move(socket)), limit_(limit), last_(now()) {}

template <class Call>
std::size_t IdleStream::within_limit(const char* call_name, const Call& call) {
  for (;;) {
    Timeout scope(saturating_add(last_, limit_));
    try {
      const std::size_t count = detail::run_under(scope, call);
      last_ = now();
      return count;
    } catch (const TimeoutError&) {
      if (!scope.expired()) throw;
    }
    if (saturating_add(last_, limit_) > now()) continue;  // the other direction was in use
    expired_ = true;
    detail::raise_error(ETIMEDOUT,
                        fmt::format("{} {}: nothing came or went for {} ms", call_name, peer_name(),
                                    std::chrono::ceil<std::chrono::milliseconds>(limit_).count()));
  }
}

std::size_t IdleStream::do_read(std::span<char> buffer) {
  return within_limit("recv from", [&] { return stream_.read_some(buffer); });
}

std::size_t IdleStream::do_write(Pieces pieces) {
  return within_limit("send to", [&] { return stream_.write_some(pieces); });
}

std::size_t IdleStream::do_try_write(Pieces pieces) {
  const std::size_t count = stream_.try_write(pieces);
  if (count > 0) last_ = now();
  return count;
}

}  // namespace weft
