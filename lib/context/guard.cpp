#include "context/guard.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/context/stack.h>

namespace weft {

namespace {

#ifdef MADV_GUARD_INSTALL
constexpr int kGuardInstall = MADV_GUARD_INSTALL;
#else
constexpr int kGuardInstall = 102;  // Linux 6.13; refused, or without effect, elsewhere
#endif

bool forced_to_mprotect() noexcept {
  const char* wanted = std::getenv("WEFT_STACK_GUARD");
  return wanted && std::strcmp(wanted, "mprotect") == 0;
}

/// qemu-user answers 0 and does nothing, so the answer proves nothing: the kernel is made to read
/// from the guarded page, which must fail with EFAULT.
bool light_guards_work() noexcept {
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  void* probe = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return false;
  bool faults = false;
  if (madvise(probe, page, kGuardInstall) == 0) {
    int ends[2];
    if (pipe(ends) == 0) {
      faults = write(ends[1], probe, 1) == -1 && errno == EFAULT;
      close(ends[0]);
      close(ends[1]);
    }
  }
  munmap(probe, page);
  return faults;
}

[[noreturn]] void fail(const char* call) {
  const int error = errno;
  throw std::system_error(error, std::generic_category(),
                          error == ENOMEM
                              ? std::string(call) +
                                    " for a stack's guard; each stack takes two mappings, "
                                    "see vm.max_map_count"
                              : std::string(call) + " for a stack's guard");
}

}  // namespace

GuardKind guard_kind() noexcept {
  static const GuardKind kind =
      !forced_to_mprotect() && light_guards_work() ? GuardKind::Light : GuardKind::Mprotect;
  return kind;
}

namespace detail {

void install_guards(std::byte* slab, std::size_t slot, std::size_t guard, std::size_t count) {
  const bool light = guard_kind() == GuardKind::Light;
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* const lowest = slab + i * slot;
    // A locked mapping (mlockall) refuses light guards, hence the second attempt.
    if (light && madvise(lowest, guard, kGuardInstall) == 0) continue;
    if (mprotect(lowest, guard, PROT_NONE) != 0) fail("mprotect");
  }
}

}  // namespace detail

}  // namespace weft
