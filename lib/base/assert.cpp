#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace weft::detail {

void assertion_failed(const char* text, const char* file, int line) noexcept {
  std::fprintf(stderr, "weft: internal error, please report it: %s (%s:%d)\n", text, file, line);
  std::abort();
}

void die(const char* text) noexcept {
  std::fprintf(stderr, "weft: %s\n", text);
  std::abort();
}

}  // namespace weft::detail
