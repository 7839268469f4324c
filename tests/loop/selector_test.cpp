// One contract, kept by every selector.
#include <weft/loop/selector.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include <sys/time.h>

#include <doctest/doctest.h>

#include "selectors.h"

using namespace std::chrono_literals;
using namespace weft;

TEST_SUITE_BEGIN("contract of Selector");

TEST_CASE("make_selector() gives the best of this system, and poll is always there") {
  CHECK(make_poll_selector()->name() == "poll");
  CHECK(make_selector()->name() == BEST_SELECTOR);
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

TEST_CASE_TEMPLATE("both directions of a descriptor are told as one", Kind, SELECTORS) {
  const auto selector = Kind::make();
  const Pair pair;
  const Pipe other;
  int data = 0;
  int last = 0;
  REQUIRE(::write(pair.fd[1], "x", 1) == 1);
  other.put();
  selector->register_(pair.fd[0], Events::Both, Trigger::Level, &data);
  selector->register_(other.reader(), Events::Readable, Trigger::Level, &last);
  for (int round = 0; round < 2; ++round) {
    const auto ready = selector->select(kNow);
    REQUIRE(ready.size() == 2);
    const std::size_t pairs = ready[0].data == &data ? 0 : 1;
    CHECK(ready[pairs].events == Events::Both);
    CHECK(ready[1 - pairs].events == Events::Readable);
  }
}

TEST_CASE("a selector can be watched by another one, by its fileno()") {
  const auto inner = make_selector();
  const auto outer = make_poll_selector();
  CHECK(outer->fileno() == -1);
  const Pipe pipe;
  int data = 0;
  inner->register_(pipe.reader(), Events::Readable, Trigger::Edge, &data);
  outer->register_(inner->fileno(), Events::Readable, Trigger::Level, &data);
  CHECK(told(*outer, &data) == Events::None);
  pipe.put();
  CHECK(told(*outer, &data) == Events::Readable);
  CHECK(told(*inner, &data) == Events::Readable);
  CHECK(told(*outer, &data) == Events::None);
  inner->wake();
  CHECK(told(*outer, &data) == Events::Readable);
  CHECK(inner->select(std::nullopt).empty());
  CHECK(told(*outer, &data) == Events::None);
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
