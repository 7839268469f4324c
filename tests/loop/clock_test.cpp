#include <weft/loop/clock.h>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace weft;

TEST_SUITE_BEGIN("clock");

TEST_CASE("saturating_add() adds, and stops at both ends of time") {
  const TimePoint epoch{};
  CHECK(saturating_add(epoch + 1s, 2s) == epoch + 3s);
  CHECK(saturating_add(epoch + 1s, -2s) == epoch - 1s);
  CHECK(saturating_add(epoch + 1s, Duration::max()) == TimePoint::max());
  CHECK(saturating_add(TimePoint::max(), 1ns) == TimePoint::max());
  CHECK(saturating_add(epoch - 1s, Duration::min()) == TimePoint::min());
  CHECK(saturating_add(TimePoint::min(), -1ns) == TimePoint::min());
  CHECK(saturating_add(TimePoint::min(), Duration::max()) == TimePoint::min() + Duration::max());
}

TEST_CASE("the real clock never goes back") {
  const MonotonicClock clock;
  TimePoint before = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const TimePoint now = clock.now();
    CHECK(now >= before);
    before = now;
  }
}

TEST_CASE("the real clock lets a loop wait until the deadline, for ever if there is none") {
  MonotonicClock clock;
  CHECK(clock.before_wait(std::nullopt, true) == std::nullopt);
  CHECK(clock.before_wait(clock.now() - 1s, false) == Duration::zero());
  CHECK(clock.before_wait(TimePoint::min(), false) == Duration::zero());
  const auto limit = clock.before_wait(clock.now() + 1h, false);
  REQUIRE(limit);
  CHECK(*limit > Duration::zero());
  CHECK(*limit <= 1h);
}

TEST_SUITE_END();
