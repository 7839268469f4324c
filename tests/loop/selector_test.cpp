// One contract, kept by every selector.
#include <weft/loop/selector.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/time.h>

#include <doctest/doctest.h>

#include "loops.h"

using namespace std::chrono_literals;
using namespace weft;

namespace {

struct Best {
  static std::unique_ptr<Selector> make() { return make_selector(); }
};
struct Poll {
  static std::unique_ptr<Selector> make() { return make_poll_selector(); }
};

constexpr Duration kNow = Duration::zero();
constexpr Events kHangup = Events::Both | Events::Hangup;

/// Both ends of a stream socket.
class Pair {
 public:
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    close_end(0);
    close_end(1);
  }
  void close_end(int which) {
    if (fd[which] != -1) ::close(fd[which]);
    fd[which] = -1;
  }
  int fd[2] = {-1, -1};
};

/// What select() says of the one descriptor that is registered with `data`.
Events told(Selector& selector, const void* data, std::optional<Duration> limit = kNow) {
  Events events = Events::None;
  for (const Selector::Ready& one : selector.select(limit)) {
    CHECK(one.data == data);
    events = events | one.events;
  }
  return events;
}

template <class F>
int error_number_of(F&& f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

}  // namespace

#define SELECTORS Best, Poll  // a third one is named here

TEST_SUITE_BEGIN("contract of Selector");

TEST_CASE("make_selector() has a name that is not poll's") {
  CHECK(make_poll_selector()->name() == "poll");
#ifdef __linux__
  CHECK(make_selector()->name() == "epoll");
#endif
}

TEST_CASE_TEMPLATE("only what is ready is told, with the pointer it came with", Kind, SELECTORS) {
  const auto selector = Kind::make();
  const Pipe ready;
  const Pipe quiet;
  int a = 0;
  int b = 0;
  selector->register_(ready.reader(), Events::Readable, Trigger::Level, &a);
  selector->register_(quiet.reader(), Events::Readable, Trigger::Level, &b);
  CHECK(selector->select(kNow).empty());
  ready.put();
  CHECK(told(*selector, &a) == Events::Readable);
}

TEST_CASE_TEMPLATE("a level is told for as long as it lasts", Kind, SELECTORS) {
  const auto selector = Kind::make();
  const Pipe pipe;
  int data = 0;
  selector->register_(pipe.reader(), Events::Readable, Trigger::Level, &data);
  pipe.put();
  CHECK(told(*selector, &data) == Events::Readable);
  CHECK(told(*selector, &data) == Events::Readable);
  pipe.take();
  CHECK(told(*selector, &data) == Events::None);
}

TEST_CASE_TEMPLATE("an edge is told once, and again after arm() when it comes anew", Kind,
                   SELECTORS) {
  const auto selector = Kind::make();
  const Pipe pipe;
  int data = 0;
  selector->register_(pipe.reader(), Events::Readable, Trigger::Edge, &data);
  for (int round = 0; round < 3; ++round) {
    pipe.put();
    CHECK(told(*selector, &data) == Events::Readable);
    CHECK(told(*selector, &data) == Events::None);
    pipe.take();
    selector->arm(pipe.reader(), Events::Readable);  // found empty, to be waited for
    CHECK(told(*selector, &data) == Events::None);
  }
}

TEST_CASE_TEMPLATE("the two directions of an edge are told apart", Kind, SELECTORS) {
  const auto selector = Kind::make();
  const Pair pair;
  int data = 0;
  selector->register_(pair.fd[0], Events::Both, Trigger::Edge, &data);
  CHECK(told(*selector, &data) == Events::Writable);
  CHECK(told(*selector, &data) == Events::None);
  REQUIRE(::write(pair.fd[1], "x", 1) == 1);
  CHECK((told(*selector, &data) & Events::Readable) == Events::Readable);
  CHECK(told(*selector, &data) == Events::None);
}

TEST_CASE_TEMPLATE("what is ready when it is registered is told", Kind, SELECTORS) {
  const auto selector = Kind::make();
  const Pipe pipe;
  int data = 0;
  pipe.put();
  selector->register_(pipe.reader(), Events::Readable, Trigger::Edge, &data);
  CHECK(told(*selector, &data) == Events::Readable);
}

TEST_CASE_TEMPLATE("modify() changes what is told", Kind, SELECTORS) {
  const auto selector = Kind::make();
  const Pair pair;
  int data = 0;
  selector->register_(pair.fd[0], Events::Readable, Trigger::Level, &data);
  CHECK(told(*selector, &data) == Events::None);
  selector->modify(pair.fd[0], Events::Both);
  CHECK(told(*selector, &data) == Events::Writable);
  REQUIRE(::write(pair.fd[1], "x", 1) == 1);
  CHECK(told(*selector, &data) == Events::Both);
  selector->modify(pair.fd[0], Events::Writable);
  CHECK(told(*selector, &data) == Events::Writable);
  selector->modify(pair.fd[0], Events::None);
  CHECK(told(*selector, &data) == Events::None);
}

TEST_CASE_TEMPLATE("unregister() ends it, twice is no harm, and it can come again", Kind,
                   SELECTORS) {
  const auto selector = Kind::make();
  const Pipe pipe;
  int data = 0;
  pipe.put();
  selector->register_(pipe.reader(), Events::Readable, Trigger::Level, &data);
  selector->unregister(pipe.reader());
  CHECK(told(*selector, &data) == Events::None);
  selector->unregister(pipe.reader());
  selector->register_(pipe.reader(), Events::Readable, Trigger::Level, &data);
  CHECK(told(*selector, &data) == Events::Readable);
}

TEST_CASE_TEMPLATE("a second registration is EEXIST, and the first one stays", Kind, SELECTORS) {
  const auto selector = Kind::make();
  const Pipe pipe;
  int data = 0;
  int other = 0;
  selector->register_(pipe.reader(), Events::Readable, Trigger::Level, &data);
  CHECK(error_number_of([&] {
          selector->register_(pipe.reader(), Events::Readable, Trigger::Edge, &other);
        }) == EEXIST);
  pipe.put();
  CHECK(told(*selector, &data) == Events::Readable);
}

TEST_CASE_TEMPLATE("what is always ready is EPERM, what is not open EBADF", Kind, SELECTORS) {
  const auto selector = Kind::make();
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  int data = 0;
  CHECK(error_number_of([&] {
          selector->register_(::fileno(file), Events::Readable, Trigger::Level, &data);
        }) == EPERM);
  std::fclose(file);
  Pipe pipe;
  const int gone = pipe.reader();
  pipe.close_reader();
  CHECK(error_number_of(
            [&] { selector->register_(gone, Events::Readable, Trigger::Level, &data); }) == EBADF);
  CHECK(selector->select(kNow).empty());
}

TEST_CASE_TEMPLATE("a hang-up is readable and writable", Kind, SELECTORS) {
  const auto selector = Kind::make();
  Pair pair;
  int data = 0;
  selector->register_(pair.fd[0], Events::Both, Trigger::Level, &data);
  pair.close_end(1);
  CHECK(told(*selector, &data) == kHangup);
}

TEST_CASE_TEMPLATE("the end of a pipe is readable; a pipe without reader is writable", Kind,
                   SELECTORS) {
  Pipe ended;
  Pipe broken;
  int data = 0;
  {
    const auto selector = Kind::make();
    selector->register_(ended.reader(), Events::Readable, Trigger::Level, &data);
    ended.close_writer();
    CHECK((told(*selector, &data) & Events::Readable) == Events::Readable);
  }
  const auto selector = Kind::make();
  selector->register_(broken.writer(), Events::Writable, Trigger::Level, &data);
  broken.close_reader();
  CHECK((told(*selector, &data) & Events::Writable) == Events::Writable);
}

TEST_CASE_TEMPLATE("a hang-up does not spin where edges are told", Kind, SELECTORS) {
  const auto selector = Kind::make();
  Pair pair;
  int data = 0;
  selector->register_(pair.fd[0], Events::Both, Trigger::Edge, &data);
  pair.close_end(1);
  CHECK(told(*selector, &data) == kHangup);
  CHECK(told(*selector, &data) == Events::None);
  CHECK(told(*selector, &data, 1ms) == Events::None);
}

TEST_CASE_TEMPLATE("after a hang-up modify() tells it again", Kind, SELECTORS) {
  const auto selector = Kind::make();
  Pair pair;
  int data = 0;
  selector->register_(pair.fd[0], Events::Both, Trigger::Edge, &data);
  pair.close_end(1);
  CHECK(told(*selector, &data) == kHangup);
  selector->modify(pair.fd[0], Events::Readable);
  CHECK((told(*selector, &data) & Events::Readable) == Events::Readable);
}

TEST_CASE_TEMPLATE("after a hang-up it can be unregistered, and its number used again", Kind,
                   SELECTORS) {
  const auto selector = Kind::make();
  int data = 0;
  for (int round = 0; round < 2; ++round) {
    Pair pair;
    selector->register_(pair.fd[0], Events::Both, Trigger::Edge, &data);
    pair.close_end(1);
    CHECK(told(*selector, &data) == kHangup);
    selector->unregister(pair.fd[0]);
  }
}

TEST_CASE_TEMPLATE("wake() before select() makes it return at once, and only it", Kind, SELECTORS) {
  const auto selector = Kind::make();
  selector->wake();
  selector->wake();
  CHECK(selector->select(std::nullopt).empty());  // would wait for ever
  const auto start = std::chrono::steady_clock::now();
  CHECK(selector->select(2ms).empty());
  CHECK(std::chrono::steady_clock::now() - start >= 2ms);  // nothing was left of it
}

TEST_CASE_TEMPLATE("wake() from another thread ends a select()", Kind, SELECTORS) {
  const auto selector = Kind::make();
  for (int round = 0; round < 20; ++round) {
    std::thread other([&] { selector->wake(); });
    CHECK(selector->select(std::nullopt).empty());
    other.join();
  }
}

TEST_CASE_TEMPLATE("no number of wake()s blocks", Kind, SELECTORS) {
  const auto selector = Kind::make();
  for (int i = 0; i < 100'000; ++i) selector->wake();
  CHECK(selector->select(std::nullopt).empty());
  CHECK(selector->select(kNow).empty());
}

TEST_CASE_TEMPLATE("a limit is never kept too early", Kind, SELECTORS) {
  const auto selector = Kind::make();
  for (const Duration limit : {Duration(1ns), Duration(1001ns), Duration(300us), Duration(1ms),
                               Duration(1ms + 1ns), Duration(2900us)}) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(selector->select(limit).empty());
    CHECK(std::chrono::steady_clock::now() - start >= limit);
  }
}

TEST_CASE_TEMPLATE("a limit below zero is one of zero, the longest one does not overflow", Kind,
                   SELECTORS) {
  const auto selector = Kind::make();
  CHECK(selector->select(Duration(-5s)).empty());
  CHECK(selector->select(Duration::min()).empty());
  selector->wake();
  CHECK(selector->select(Duration::max()).empty());
}

TEST_CASE_TEMPLATE("many descriptors are all told", Kind, SELECTORS) {
  constexpr int kMany = 300;  // more than one call brings
  const auto selector = Kind::make();
  std::vector<std::unique_ptr<Pipe>> pipes;
  for (int i = 0; i < kMany; ++i) {
    pipes.push_back(std::make_unique<Pipe>());
    selector->register_(pipes.back()->reader(), Events::Readable, Trigger::Edge,
                        pipes.back().get());
    pipes.back()->put();
  }
  std::vector<void*> seen;
  for (;;) {
    const auto ready = selector->select(kNow);
    if (ready.empty()) break;
    for (const Selector::Ready& one : ready) seen.push_back(one.data);
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
  CHECK(seen.size() == kMany);
  for (const auto& pipe : pipes) selector->unregister(pipe->reader());
  CHECK(selector->select(kNow).empty());
}

TEST_CASE_TEMPLATE("a signal that interrupts select() is no error", Kind, SELECTORS) {
  const auto selector = Kind::make();
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};
  REQUIRE(sigaction(SIGALRM, &action, &before) == 0);
  itimerval timer{};
  timer.it_value.tv_usec = 2000;
  REQUIRE(setitimer(ITIMER_REAL, &timer, nullptr) == 0);
  std::string error = error_of([&] { CHECK(selector->select(10s).empty()); });
  CHECK(error == "nothing");
  sigaction(SIGALRM, &before, nullptr);
}

TEST_SUITE_END();
