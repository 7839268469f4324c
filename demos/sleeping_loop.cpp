// An event loop from scratch: coroutines trap the time at which they want to go on, and a heap of
// such times wakes them with send(). Of weft it uses the layer `coro` alone.
//
//   sleeping_loop [LABEL:LENGTH[:DELAY]]...      sleeping_loop A:5 B:3:2 C:4:1

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <regex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <weft/coro/coroutine.h>

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

double in_seconds(Clock::duration span) { return std::chrono::duration<double>(span).count(); }

/// Asks the loop to go on after `delay`, from any depth of calls. Returns when that really was.
Clock::time_point sleep(Clock::duration delay) {
  return weft::trap<Clock::time_point>(Clock::now() + delay);
}

class SleepingLoop {
 public:
  void start(weft::Coroutine<> coroutine) { park(coroutine.send(), coroutine); }

  void run() {
    while (!sleepers_.empty()) {
      std::pop_heap(sleepers_.begin(), sleepers_.end());
      Sleeper next = std::move(sleepers_.back());
      sleepers_.pop_back();
      std::this_thread::sleep_until(next.wake);
      park(next.coroutine.send(Clock::now()), next.coroutine);
    }
  }

 private:
  struct Sleeper {
    Clock::time_point wake;
    int turn;  // equal times are first in, first out
    weft::Coroutine<> coroutine;
    bool operator<(const Sleeper& other) const {  // the first to wake is the largest
      return std::tie(other.wake, other.turn) < std::tie(wake, turn);
    }
  };

  void park(const weft::Coroutine<>::Step& step, weft::Coroutine<>& coroutine) {
    if (step.done()) return;
    sleepers_.push_back({step.value().get<Clock::time_point>(), turns_++, std::move(coroutine)});
    std::push_heap(sleepers_.begin(), sleepers_.end());
  }

  std::vector<Sleeper> sleepers_;
  int turns_ = 0;
};

void countdown(const std::string& label, int length, seconds delay) {
  const Clock::time_point start = Clock::now();
  fmt::print("{} waited {:.1f} s\n", label, in_seconds(sleep(delay) - start));
  for (; length > 0; --length) {
    fmt::print("{} T-minus {}\n", label, length);
    sleep(seconds(1));
  }
  fmt::print("{} lift-off!\n", label);
}

weft::Coroutine<> rocket(const std::string& argument) {
  static const std::regex form(R"(([^:]+):(\d{1,6})(:(\d{1,6}))?)");
  std::smatch parts;
  if (!std::regex_match(argument, parts, form))
    throw weft::ValueError(fmt::format("'{}' is not LABEL:LENGTH[:DELAY] in seconds", argument));
  const int delay = parts[4].matched ? std::stoi(parts[4]) : 0;
  return {[label = parts[1].str(), length = std::stoi(parts[2]), delay] {
    countdown(label, length, seconds(delay));
  }};
}

int main(int count, char** arguments) try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::vector<std::string> launches(arguments + 1, arguments + count);
  if (launches.empty()) launches = {"A:5", "B:3:2", "C:4:1"};
  std::vector<weft::Coroutine<>> rockets;
  for (const std::string& launch : launches) rockets.push_back(rocket(launch));

  const Clock::time_point start = Clock::now();
  SleepingLoop loop;
  for (auto& each : rockets) loop.start(std::move(each));
  loop.run();
  fmt::print("total {:.1f} s\n", in_seconds(Clock::now() - start));
} catch (const weft::ValueError& error) {
  fmt::print(stderr, "sleeping_loop: {}\n", error.what());
  return 2;
}
