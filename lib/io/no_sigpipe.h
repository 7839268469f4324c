// Writes that raise no signal. Layer: io.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

namespace weft::detail {

/// While it lives no SIGPIPE is delivered to this thread. Only sockets can be told so by the call.
class NoSigpipe {
 public:
  NoSigpipe() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  /// After EPIPE: the signal that came with it. If it was blocked before it is left pending.
  void take_signal() noexcept {
    sigset_t pending;
    if (sigismember(&before_, SIGPIPE) == 1 || sigpending(&pending) != 0 ||
        sigismember(&pending, SIGPIPE) != 1)
      return;  // it is ignored, or somebody else's
    int signal = 0;
    sigwait(&pipe_, &signal);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

}  // namespace weft::detail
