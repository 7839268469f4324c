// Thousands of connections to an echo server, half of them cut in mid-message, while the server is
// restarted again and again: each byte that comes back has to be the one that was sent at its
// offset, who is not cut gets everything, and nothing is left over.
//
// usage: echo [--seconds N] [--connections N] [--seed N] [--selector poll]
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include <weft/weft.h>

#include "census.h"

using namespace std::chrono_literals;
using namespace weft;

namespace {

struct Settings {
  long seconds = 30;
  long connections = 2000;
  std::uint64_t seed = std::random_device()();
  bool poll = false;
};

constexpr std::size_t kLargest = 1 << 20;

std::uint64_t mix(std::uint64_t x) noexcept {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept { return mix(state_++); }
  /// From 0 to `end`, which is excluded.
  std::size_t below(std::size_t end) noexcept { return std::size_t(next() % end); }
  bool chance(std::size_t one_in) noexcept { return below(one_in) == 0; }
  /// As many small ones as large ones: from 1 to `largest`.
  std::size_t size(std::size_t largest) noexcept { return 1 + (below(largest) >> below(20)); }

 private:
  std::uint64_t state_;
};

/// What is sent at `offset` and behind it.
void write_pattern(std::uint64_t key, std::size_t offset, std::span<char> bytes) noexcept {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint64_t word = mix(key + (offset + i) / sizeof word);
    const std::size_t skip = (offset + i) % sizeof word;
    const std::size_t count = std::min(sizeof word - skip, bytes.size() - i);
    std::memcpy(&bytes[i], reinterpret_cast<const char*>(&word) + skip, count);
    i += count;
  }
}

/// What the run has come to.
struct Tally {
  std::size_t complete = 0, cut = 0, lost = 0, refused = 0, restarts = 0, interrupted = 0;
  std::uint64_t bytes = 0;
  std::set<std::string> problems;  // each once

  void problem(const std::string& text) {
    if (problems.insert(text).second) std::fprintf(stderr, "echo: %s\n", text.c_str());
  }
};

bool is_end_of_connection(const std::system_error& error) {
  const int code = error.code().value();
  return code == ECONNRESET || code == EPIPE || code == EBADF || code == ENOTCONN;
}

// ---- the server

class Server {
 public:
  Server(Tally& tally, std::uint64_t seed, int backlog)
      : tally_(tally), random_(seed), options_{.backlog = backlog} {
    start();
  }

  const Address& address() const { return address_; }
  /// Differs before and behind a restart. What ends without one must not.
  std::uint64_t epoch() const { return epoch_; }

  void stop() {
    ++epoch_;
    acceptor_->cancel();
    finish(*acceptor_);
    const auto handlers = std::exchange(handlers_, {});
    for (const auto& [number, task] : handlers) task.cancel();
    for (const auto& [number, task] : handlers) finish(task);
  }

  void restart() {
    stop();
    ++tally_.restarts;
    sleep(std::chrono::milliseconds(random_.below(20)));
    start();
    ++epoch_;
  }

 private:
  static void finish(const Task<>& task) {
    try {
      task.await();
    } catch (const CancelledError&) {
    }
  }

  void start() {
    Socket listener = Socket::listen(address_, options_);
    address_ = listener.local_address();  // the same port each time
    acceptor_ = create_task({.name = "acceptor"}, [this, it = std::move(listener)]() mutable {
      for (;;) {
        const std::uint64_t number = ++accepted_;
        handlers_.insert(
            {number, create_task({.name = "handler"}, [this, number, peer = it.accept()]() mutable {
               handle(number, std::move(peer));
             })});
      }
    });
  }

  void handle(std::uint64_t number, Socket peer) {
    struct Leave {
      Server& server;
      std::uint64_t number;
      ~Leave() { server.handlers_.erase(number); }
    } leave{*this, number};
    Random random(number);
    std::array<char, 16 * 1024> buffer;
    try {
      while (const std::size_t got =
                 peer.recv_into(std::span(buffer).first(1 + random.below(buffer.size()))))
        peer.send_all({buffer.data(), got});
    } catch (const std::system_error& error) {
      if (!is_end_of_connection(error)) tally_.problem(std::string("server: ") + error.what());
    } catch (const CancelledError&) {
      peer.set_reset_on_close(random.chance(2));
      throw;
    }
  }

  Tally& tally_;
  Random random_;
  ListenOptions options_;
  Address address_ = Address::ip("127.0.0.1", 0);
  std::uint64_t epoch_ = 0;
  std::uint64_t accepted_ = 0;
  std::optional<Task<>> acceptor_;
  std::map<std::uint64_t, Task<>> handlers_;
};

// ---- the clients

/// One connection: a task that sends, while the one of the client receives.
class Connection {
 public:
  Connection(Server& server, Tally& tally, Random& random)
      : server_(server),
        tally_(tally),
        random_(random),
        key_(random.next()),
        size_(random.size(kLargest)),
        cut_at_(random.chance(2) ? random.below(size_) : size_),
        epoch_(server.epoch()) {}

  void run() {
    if (!connect()) return;
    const auto sender = create_task({.name = "sender"}, [this] { send(); });
    try {
      receive();
    } catch (const std::system_error& error) {
      if (!is_end_of_connection(error)) tally_.problem(std::string("client: ") + error.what());
    }
    finish(sender);
    tally_.bytes += received_;
    if (received_ == size_ && ended_)
      ++tally_.complete;
    else if (cut_at_ < size_ && received_ >= cut_at_)
      ++tally_.cut;
    else if (server_.epoch() != epoch_)
      ++tally_.lost;
    else
      tally_.problem("a connection ended after " + std::to_string(received_) + " of " +
                     std::to_string(size_) + " bytes, and nobody had cut it");
  }

 private:
  bool connect() {
    try {
      socket_ = Socket::connect(server_.address());
      return true;
    } catch (const std::system_error& error) {
      ++tally_.refused;
      const int code = error.code().value();
      const bool restarted = server_.epoch() != epoch_ || server_.epoch() % 2 == 1;
      if (code != EADDRNOTAVAIL && !restarted)
        tally_.problem(std::string("client: ") + error.what());
      sleep(std::chrono::milliseconds(1 + random_.below(20)));
      return false;
    }
  }

  void send() {
    std::vector<char> bytes;
    Random random(key_);
    try {
      for (std::size_t sent = 0; sent < size_; sent += bytes.size()) {
        bytes.resize(std::min(size_ - sent, random.size(64 * 1024)));
        write_pattern(key_, sent, bytes);
        socket_->send_all({bytes.data(), bytes.size()});
      }
      if (cut_at_ == size_) socket_->shutdown_write();
    } catch (const std::system_error& error) {
      if (!is_end_of_connection(error)) tally_.problem(std::string("sender: ") + error.what());
    }
  }

  /// As a receiver of a message does that may be interrupted at any time, and must miss nothing.
  std::size_t receive_some(std::span<char> buffer) {
    if (!random_.chance(16)) return socket_->recv_into(buffer);
    for (;;) try {
        const auto limit = std::chrono::microseconds(random_.below(2000));
        return timeout(limit, [&] { return socket_->recv_into(buffer); });
      } catch (const TimeoutError&) {
        ++tally_.interrupted;
      }
  }

  void receive() {
    std::array<char, 16 * 1024> buffer, expected;
    while (received_ < cut_at_ || cut_at_ == size_) {
      const std::size_t most = 1 + random_.below(buffer.size());
      const std::size_t got = receive_some(std::span(buffer).first(most));
      if (got == 0) {
        ended_ = true;
        return;
      }
      write_pattern(key_, received_, std::span(expected).first(got));
      if (received_ + got > size_ || !std::equal(&buffer[0], &buffer[got], &expected[0]))
        return tally_.problem("wrong bytes came back at offset " + std::to_string(received_));
      received_ += got;
    }
  }

  /// Ends what is left of the connection, in one of three ways.
  void finish(const Task<>& sender) {
    socket_->set_reset_on_close(cut_at_ < size_ && random_.chance(2));
    if (random_.chance(2)) socket_->close();  // under the sender's hands
    sender.cancel();
    try {
      sender.await();
    } catch (const CancelledError&) {
    }
    socket_.reset();
  }

  Server& server_;
  Tally& tally_;
  Random& random_;
  const std::uint64_t key_;
  const std::size_t size_;
  const std::size_t cut_at_;  // the size: nowhere
  const std::uint64_t epoch_;
  std::optional<Socket> socket_;
  std::size_t received_ = 0;
  bool ended_ = false;
};

void run_clients(Server& server, Tally& tally, const Settings& settings) {
  const TimePoint end = now() + std::chrono::seconds(settings.seconds);
  std::vector<Task<>> clients;
  for (long i = 0; i < settings.connections; ++i)
    clients.push_back(create_task({.name = "client"}, [&, i] {
      Random random(mix(settings.seed) + mix(std::uint64_t(i)));
      while (now() < end && tally.problems.empty()) Connection(server, tally, random).run();
    }));
  Random random(settings.seed);
  while (now() < end && tally.problems.empty()) {
    sleep(std::chrono::milliseconds(200 + random.below(1000)));
    server.restart();
  }
  constexpr Duration kGrace = 60s;
  try {
    timeout(kGrace, [&] {
      for (const Task<>& client : clients) client.await();
    });
  } catch (const TimeoutError&) {
    for (const AnyTask& task : all_tasks())
      tally.problem("a " + task.name() + " is stuck in " + std::string(task.waits_for()));
  }
}

void check_even(const char* what, std::size_t before, std::size_t now, Tally& tally) {
  if (before != now)
    tally.problem(std::string(what) + ": " + std::to_string(before) + " before, " +
                  std::to_string(now) + " left");
}

void run_all(const Settings& settings, Tally& tally) {
  const std::size_t descriptors = open_descriptors();
  const std::size_t tasks = all_tasks().size();
  const std::size_t stacks = stack_statistics().in_use;
  {
    Server server(tally, settings.seed, int(settings.connections));
    run_clients(server, tally, settings);
    server.stop();
  }
  yield_now();  // those that have just ended
  check_even("descriptors", descriptors, open_descriptors(), tally);
  check_even("tasks", tasks, all_tasks().size(), tally);
  check_even("stacks", stacks, stack_statistics().in_use, tally);
}

/// Two descriptors for each connection, and some for what is closing. Fewer connections if the
/// system does not give that many.
void provide_descriptors(Settings& settings) {
  constexpr long kSpare = 100;
  const auto wanted = rlim_t(2 * settings.connections + kSpare);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(limit.rlim_max, wanted);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) return;
  settings.connections = (long(limit.rlim_cur) - kSpare) / 2;
  std::printf("echo: RLIMIT_NOFILE gives %ju descriptors, enough for %ld connections\n",
              std::uintmax_t(limit.rlim_cur), settings.connections);
}

Settings parse(int count, char** arguments) {
  Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view option = arguments[i];
    if (option == "--seconds") settings.seconds = std::stol(arguments[i + 1]);
    if (option == "--connections") settings.connections = std::stol(arguments[i + 1]);
    if (option == "--seed") settings.seed = std::stoull(arguments[i + 1]);
    if (option == "--selector") settings.poll = std::string_view(arguments[i + 1]) == "poll";
  }
  return settings;
}

}  // namespace

int main(int count, char** arguments) {
  Settings settings = parse(count, arguments);
  provide_descriptors(settings);
  std::printf("echo: seed %ju, %ld connections, %ld seconds, %s\n", std::uintmax_t(settings.seed),
              settings.connections, settings.seconds,
              settings.poll ? "poll" : "the system's selector");
  std::fflush(stdout);
  Tally tally;
  EventLoopOptions options;
  if (settings.poll) options.selector = make_poll_selector();
  run(std::move(options), [&] { run_all(settings, tally); });
  std::printf(
      "echo: %zu complete, %zu cut, %zu lost to %zu restarts, %zu refused, %zu interrupted; %ju "
      "MiB came back\n",
      tally.complete, tally.cut, tally.lost, tally.restarts, tally.refused, tally.interrupted,
      std::uintmax_t(tally.bytes >> 20));
  if (tally.complete == 0 || tally.cut == 0) tally.problem("too little has happened");
  std::printf("echo: %s\n", tally.problems.empty() ? "passed" : "FAILED");
  return tally.problems.empty() ? 0 : 1;
}
