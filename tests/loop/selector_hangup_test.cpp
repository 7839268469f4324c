// The contract of selectors for what ends: peers that go, descriptors that are closed too early.
#include <cerrno>
#include <chrono>

#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "selectors.h"

using namespace std::chrono_literals;
using namespace weft;

TEST_SUITE_BEGIN("contract of Selector");

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

TEST_CASE_TEMPLATE("a peer that will send no more has hung up, though it can be written to", Kind,
                   SELECTORS) {
  for (const Trigger trigger : {Trigger::Level, Trigger::Edge}) {
    const auto selector = Kind::make();
    const Pair pair;
    int data = 0;
    selector->register_(pair.fd[0], Events::Readable, trigger, &data);
    CHECK(told(*selector, &data) == Events::None);
    REQUIRE(::shutdown(pair.fd[1], SHUT_WR) == 0);
    CHECK(told(*selector, &data) == (Events::Readable | Events::Hangup));
    if (trigger == Trigger::Edge) CHECK(told(*selector, &data) == Events::None);
  }
}

TEST_CASE_TEMPLATE("a pipe that has lost its other end can be registered, and is told", Kind,
                   SELECTORS) {
  for (const Trigger trigger : {Trigger::Level, Trigger::Edge}) {
    const auto selector = Kind::make();
    Pipe broken;
    broken.close_reader();
    int data = 0;
    selector->register_(broken.writer(), Events::Writable, trigger, &data);
    constexpr Events kBroken = Events::Writable | Events::Hangup;
    CHECK((told(*selector, &data, std::nullopt) & kBroken) == kBroken);
    const Events again = trigger == Trigger::Level ? kBroken : Events::None;
    CHECK((told(*selector, &data) & kBroken) == again);
    selector->modify(broken.writer(), Events::Both);
    CHECK((told(*selector, &data) & kBroken) == kBroken);
    selector->unregister(broken.writer());
    CHECK(selector->select(kNow).empty());
    Pipe whole;
    REQUIRE(::dup2(whole.writer(), broken.writer()) == broken.writer());
    whole.close_writer();
    selector->register_(broken.writer(), Events::Writable, trigger, &data);
    CHECK(told(*selector, &data) == Events::Writable);
  }
}

TEST_CASE_TEMPLATE("what is closed while it is registered is told once at most, and forgotten",
                   Kind, SELECTORS) {
  const auto selector = Kind::make();
  Pipe first;
  const int number = first.reader();
  int data = 0;
  selector->register_(number, Events::Readable, Trigger::Level, &data);
  first.close_reader();
  CHECK(told(*selector, &data) == (selector->name() == "poll" ? kHangup : Events::None));
  const auto start = std::chrono::steady_clock::now();
  CHECK(selector->select(2ms).empty());
  CHECK(std::chrono::steady_clock::now() - start >= 2ms);  // it does not spin
  selector->arm(number, Events::Readable);
  selector->unregister(number);
  const Pipe second;
  REQUIRE(second.reader() == number);
  selector->register_(number, Events::Readable, Trigger::Level, &data);
  second.put();
  CHECK(told(*selector, &data) == Events::Readable);
}

TEST_CASE_TEMPLATE("a number that was forgotten can be registered again at once", Kind, SELECTORS) {
  const auto selector = Kind::make();
  int data = 0;
  for (int round = 0; round < 3; ++round) {
    Pipe pipe;
    pipe.put();
    selector->register_(pipe.reader(), Events::Readable, Trigger::Edge, &data);
    CHECK(told(*selector, &data) == Events::Readable);
    pipe.close_reader();
    selector->select(kNow);
  }
}

TEST_CASE_TEMPLATE("modify() of a number that was forgotten is ENOENT", Kind, SELECTORS) {
  const auto selector = Kind::make();
  Pipe first;
  const int number = first.reader();
  int data = 0;
  selector->register_(number, Events::Readable, Trigger::Level, &data);
  first.close_reader();
  selector->select(kNow);
  const Pipe second;
  REQUIRE(second.reader() == number);
  CHECK(error_number_of([&] { selector->modify(number, Events::Readable); }) == ENOENT);
}

TEST_SUITE_END();
