#include <csignal>
#include <optional>
#include <vector>

#include <weft/os/signal.h>

#include "../waiting/cases.h"

namespace {

/// Ignores a signal while it lives, so that one which is raised again does no harm.
class Ignored {
 public:
  Ignored() : before_(std::signal(SIGUSR1, SIG_IGN)) {}
  Ignored(const Ignored&) = delete;
  Ignored& operator=(const Ignored&) = delete;
  ~Ignored() { std::signal(SIGUSR1, before_); }
  void wake() { std::raise(SIGUSR1); }

 private:
  void (*before_)(int);
};

struct ReceiverWait : Ignored {
  std::optional<weft::SignalReceiver> receiver;
  ReceiverWait() { again(); }
  int wait() { return receiver->wait(); }
  void again() {
    receiver.reset();
    receiver.emplace(std::initializer_list{SIGUSR1, SIGUSR2});
  }
};
struct ReceiverAnext : ReceiverWait {
  int wait() { return receiver->anext(); }
};

struct WaitSignal : Ignored {
  int wait() { return weft::wait_signal(SIGUSR2, SIGUSR1); }
};

}  // namespace

const std::vector<waiting::Row>& waiting::rows() {
  static const std::string number = std::to_string(SIGUSR1);
  static const Traits kAlways{.gives = number, .keeps = Keeps::Always};
  static const std::vector<Row> rows = {
      row<ReceiverWait>("SignalReceiver::wait()", kAlways),
      row<ReceiverAnext>("SignalReceiver::anext()", kAlways),
      row<WaitSignal>("wait_signal()", {.gives = number}),
  };
  return rows;
}
