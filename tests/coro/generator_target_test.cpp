// yield_from over hand-written iterators: objects with next(), and perhaps more.
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/generator.h>

#include "checks.h"

using namespace weft;
using Ints = std::vector<int>;

TEST_SUITE_BEGIN("yield_from an object");

namespace {

/// Counts down to a result.
struct Countdown {
  using Step = weft::Step<int, std::string>;
  int left;

  Step next() {
    if (left == 0) return Step::returned("lift-off");
    --left;
    return Step::yielded(left);
  }
};

/// Logs what reaches it.
struct Listener : Countdown {
  std::string log;

  Step next() {
    log += "next ";
    return Countdown::next();
  }
  Step send(std::optional<int> value) {
    log += "send " + std::to_string(*value) + ' ';
    return Countdown::next();
  }
  Step throw_(std::exception_ptr error) {
    log += "throw " + describe(error) + ' ';
    return Countdown::next();
  }
  void close() { log += "close "; }
};

/// Ends itself by an exception, as an iterator in Python does.
struct Stopper {
  using Step = weft::Step<int, int>;
  int item = 1;
  bool stopped = false;

  Step next() {
    if (stopped) throw StopIteration::with(33);
    stopped = true;
    return Step::yielded(item);
  }
};

template <class Target, class Result = std::string>
Generator<int, std::optional<int>, Result> over(Target& target) {
  return {[&](auto& self) { return self.yield_from(target); }};
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "an object with next() yields its values and gives its result") {
  Countdown countdown{2};
  auto gen = over(countdown);
  CHECK(gen.next().value() == 1);
  CHECK(gen.next().value() == 0);
  CHECK(gen.next().result() == "lift-off");
}

TEST_CASE_FIXTURE(Balanced, "an object may end itself with a StopIteration that has the result") {
  Stopper stopper;
  auto gen = over<Stopper, int>(stopper);
  CHECK(gen.next().value() == 1);
  CHECK(gen.next().result() == 33);
}

TEST_CASE_FIXTURE(Balanced, "what is sent, thrown or closed reaches the object's methods") {
  Listener listener{{5}, ""};
  auto gen = over(listener);
  gen.next();
  gen.next();
  gen.send(4);
  gen.throw_(ValueError("v"));
  gen.close();
  CHECK(listener.log == "next next send 4 throw ValueError('v') close ");
}

TEST_CASE_FIXTURE(Balanced, "a GeneratorExit closes the object instead of reaching throw_()") {
  Listener listener{{5}, ""};
  auto gen = over(listener);
  gen.next();
  CHECK_THROWS_AS(gen.throw_(GeneratorExit()), GeneratorExit);
  CHECK(listener.log == "next close ");
}

TEST_CASE_FIXTURE(Balanced, "a value for an object without send() is an AttributeError") {
  Countdown countdown{3};
  auto gen = over(countdown);
  gen.next();
  CHECK(error_of([&] { gen.send(1); }).starts_with("AttributeError("));
  CHECK(countdown.left == 2);
}

TEST_CASE_FIXTURE(Balanced, "an error for an object without throw_() is raised in the delegator") {
  Countdown countdown{3};
  Generator<int> gen([&](auto& self) {
    try {
      self.yield_from(countdown);
    } catch (const ValueError&) {
      self.yield(100);
    }
  });
  gen.next();
  CHECK(gen.throw_(ValueError()).value() == 100);
}

TEST_CASE_FIXTURE(Balanced, "an object without close() is simply left") {
  Countdown countdown{3};
  auto gen = over(countdown);
  gen.next();
  CHECK(error_of([&] { gen.close(); }) == "nothing");
  CHECK(gen.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "what the object throws is raised in the delegator") {
  struct Broken {
    Step<int> next() { throw ValueError("broken"); }
  } broken;
  Generator<int> gen([&](auto& self) {
    try {
      self.yield_from(broken);
    } catch (const ValueError&) {
      self.yield(1);
    }
  });
  CHECK(rest_of(gen) == Ints{1});
}

TEST_CASE_FIXTURE(Balanced, "a temporary object lives as long as the delegation") {
  Generator<int> gen([](auto& self) { self.yield_from(Countdown{3}); });
  CHECK(rest_of(gen) == Ints{2, 1, 0});
}

TEST_SUITE_END();
