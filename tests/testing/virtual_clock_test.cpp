#include <weft/testing/virtual_clock.h>

#include <functional>
#include <memory>
#include <thread>

#include <doctest/doctest.h>

#include <weft/loop/core.h>
#include <weft/loop/event_loop.h>

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

namespace {

/// Calls `around` before each select() and behind it, before the loop looks at what that has told.
class Interrupted final : public Selector {
 public:
  explicit Interrupted(std::function<void(int, bool)> around) : around_(std::move(around)) {}
  std::string_view name() const noexcept override { return selector_->name(); }
  int fileno() const noexcept override { return selector_->fileno(); }
  void register_(int fd, Events events, Trigger trigger, void* data) override {
    selector_->register_(fd, events, trigger, data);
  }
  void modify(int fd, Events events) override { selector_->modify(fd, events); }
  void unregister(int fd) noexcept override { selector_->unregister(fd); }
  void arm(int fd, Events events) override { selector_->arm(fd, events); }
  void wake() noexcept override { selector_->wake(); }
  std::span<const Ready> select(std::optional<Duration> limit) override {
    around_(++selects_, true);
    const auto ready = selector_->select(limit);
    around_(selects_, false);
    return ready;
  }

 private:
  std::unique_ptr<Selector> selector_ = make_selector();
  std::function<void(int, bool)> around_;
  int selects_ = 0;
};

}  // namespace

TEST_CASE("a wake-up whose callback was taken before is no end of a wait for what is outside") {
  EventLoop* running = nullptr;
  int idle = 0, called = 0;
  const auto from_thread = [&](auto function) {
    std::thread([&] { running->call_soon_threadsafe(function); }).join();
  };
  auto clock = std::make_unique<VirtualClock>();
  clock->set_idle_handler([&] {
    ++idle;
    running->stop();
  });
  EventLoop loop({.selector = std::make_unique<Interrupted>([&](int selects, bool before) {
                    if (selects == 1 && !before) from_thread([&] { ++called; });
                    if (selects == 3 && before) from_thread([&] { running->stop(); });
                  }),
                  .clock = std::move(clock)});
  running = &loop;
  detail::core_of(loop).outside = 1;
  loop.call_soon([] {});  // the first select() does not wait
  loop.run_forever();
  CHECK(called == 1);
  CHECK(idle == 0);
}

TEST_SUITE_END();
