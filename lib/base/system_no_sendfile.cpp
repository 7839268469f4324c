// Where files have to be read and sent.
#include <cerrno>

#include "base/system.h"

namespace weft::detail {

ssize_t send_file(int, int, off_t, std::size_t) noexcept {
  errno = ENOSYS;
  return -1;
}

}  // namespace weft::detail
