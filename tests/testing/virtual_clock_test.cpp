#include <weft/testing/virtual_clock.h>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace weft;
using testing::VirtualClock;

TEST_SUITE_BEGIN("VirtualClock");

TEST_CASE("it stands still until it is moved") {
  VirtualClock clock(TimePoint{} + 5s);
  CHECK(clock.now() == TimePoint{} + 5s);
  CHECK(clock.now() == TimePoint{} + 5s);
  clock.advance(2s);
  CHECK(clock.now() == TimePoint{} + 7s);
}

TEST_CASE("with nothing outside it does not wait, and jumps to the deadline") {
  VirtualClock clock;
  const TimePoint deadline = clock.now() + 24h;
  CHECK(clock.before_wait(deadline, false) == Duration::zero());
  CHECK(clock.now() == TimePoint{});  // not yet
  clock.after_wait(deadline, false);
  CHECK(clock.now() == deadline);
}

TEST_CASE("it never goes back") {
  VirtualClock clock(TimePoint{} + 1h);
  clock.after_wait(TimePoint{}, false);
  CHECK(clock.now() == TimePoint{} + 1h);
}

TEST_CASE("while something outside is waited for, it really waits before the jump") {
  VirtualClock clock;
  clock.grace = 3ms;
  const TimePoint deadline = clock.now() + 1s;
  CHECK(clock.before_wait(deadline, true) == 3ms);
  clock.after_wait(deadline, true);  // it came: no jump
  CHECK(clock.now() == TimePoint{});
  clock.after_wait(deadline, false);
  CHECK(clock.now() == deadline);
}

TEST_CASE("a deadline that has passed is not waited for") {
  VirtualClock clock(TimePoint{} + 1h);
  CHECK(clock.before_wait(TimePoint{}, true) == Duration::zero());
}

TEST_CASE("the idle handler is called when nothing can ever happen, and only then") {
  VirtualClock clock;
  int idle = 0;
  clock.set_idle_handler([&] { ++idle; });
  CHECK(clock.before_wait(clock.now() + 1s, false) == Duration::zero());
  CHECK(idle == 0);
  CHECK(clock.before_wait(std::nullopt, true) == VirtualClock::kPatience);
  CHECK(idle == 0);
  clock.after_wait(std::nullopt, true);
  CHECK(idle == 0);
  clock.after_wait(std::nullopt, false);  // what was waited for has not come
  CHECK(idle == 1);
  clock.before_wait(std::nullopt, false);
  CHECK(idle == 2);
}

TEST_CASE("without an idle handler it waits for ever, as other clocks do") {
  VirtualClock clock;
  CHECK(clock.before_wait(std::nullopt, false) == std::nullopt);
}

TEST_SUITE_END();
