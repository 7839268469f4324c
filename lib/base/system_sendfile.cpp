// Linux's sendfile.
#include <sys/sendfile.h>

#include "base/system.h"

namespace weft::detail {

ssize_t send_file(int socket, int file, off_t offset, std::size_t count) noexcept {
  return ::sendfile(socket, file, &offset, count);
}

}  // namespace weft::detail
