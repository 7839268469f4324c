#include "context/overflow.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

#include "context/stack_pool.h"

namespace weft::detail {

namespace {

constexpr std::size_t kSignalStack = 64 * 1024;  // the system asks for up to 48 KiB

struct sigaction previous_segv;
struct sigaction previous_bus;

/// A line of text, put together without anything that a signal handler may not call.
class Line {
 public:
  Line& operator<<(const char* text) noexcept {
    const std::size_t count = std::min(std::strlen(text), sizeof text_ - size_);
    std::memcpy(text_ + size_, text, count);
    size_ += count;
    return *this;
  }
  Line& operator<<(std::size_t number) noexcept {
    char digits[24];
    char* at = digits + sizeof digits;
    *--at = '\0';
    do *--at = char('0' + number % 10);
    while ((number /= 10) != 0);
    return *this << at;
  }
  void print() const noexcept {
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text_, size_);
  }

 private:
  char text_[512];
  std::size_t size_ = 0;
};

void report(const Slab& slab, std::size_t slot) noexcept {
  const StackLabel* label = slab.labels[slot];
  Line line;
  line << "weft: stack overflow in " << (label ? label->kind : "a context");
  if (label && label->name) line << " '" << label->name << "'";
  if (label && !label->name && label->number)
    line << " 'Task-" << std::size_t{label->number} << "'";
  if (label && label->file) line << ", created at " << label->file << ":" << label->line;
  line << ": its stack has " << (slab.slot - slab.guard) << " bytes (StackOptions::size "
       << slab.slot << ", of which " << slab.guard << " are guard). "
       << (label && label->remedy ? label->remedy : "Give it a larger size.") << "\n";
  line.print();
}

/// Decided by the address: the code of the signal differs between the kinds of guard.
void on_fault(int signal, siginfo_t* info, void*) {
  const int saved = errno;
  if (const StackPool* pool = pool_of_thread())
    if (const Slab* slab = pool->find(info->si_addr)) {
      const std::size_t slot = slab->index_of(info->si_addr);
      if (info->si_addr < slab->bottom_of(slot)) report(*slab, slot);
    }
  // The instruction faults again, and the process dies with the core at the right frame.
  sigaction(signal, signal == SIGSEGV ? &previous_segv : &previous_bus, nullptr);
  errno = saved;
}

void install_handlers() noexcept {
  struct sigaction action{};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &previous_segv);
  sigaction(SIGBUS, &action, &previous_bus);
}

/// A thread that has a signal stack already keeps it.
struct SignalStack {
  void* memory = nullptr;

  SignalStack() noexcept {
    stack_t present{};
    if (sigaltstack(nullptr, &present) == 0 && !(present.ss_flags & SS_DISABLE)) return;
    void* mapped =
        mmap(nullptr, kSignalStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return;
    stack_t mine{};
    mine.ss_sp = mapped;
    mine.ss_size = kSignalStack;
    if (sigaltstack(&mine, nullptr) == 0)
      memory = mapped;
    else
      munmap(mapped, kSignalStack);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack() {
    if (!memory) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
    munmap(memory, kSignalStack);
  }
};

}  // namespace

void watch_for_overflows() noexcept {
  static const bool installed = (install_handlers(), true);
  (void)installed;
  static thread_local const SignalStack stack;
  (void)stack;
}

}  // namespace weft::detail
