#include <weft/coro/async_with.h>

#include <string>

#include <doctest/doctest.h>

#include <weft/coro/await.h>

using namespace weft;

TEST_SUITE_BEGIN("async_with");

namespace {

/// Notes what happens to it. Waits at both ends.
class Manager {
 public:
  explicit Manager(std::string& log, bool suppresses = false)
      : log_(log), suppresses_(suppresses) {}

  int aenter() {
    log_ += "enter ";
    trap(1);
    return 5;
  }
  bool aexit(std::exception_ptr error) {
    trap(2);
    log_ += "exit " + describe(error) + ' ';
    return suppresses_;
  }

 private:
  std::string& log_;
  bool suppresses_;
};

/// Runs `body` as a coroutine that nobody keeps waiting; gives the number of its traps.
template <class F>
int traps(F body) {
  Coroutine<> coroutine(body);
  int count = 0;
  while (coroutine.send()) ++count;
  return count;
}

}  // namespace

TEST_CASE("the body runs between aenter() and aexit(), each of which may wait") {
  std::string log;
  CHECK(traps([&] { async_with(Manager(log), [&] { log += "body "; }); }) == 2);
  CHECK(log == "enter body exit None ");
}

TEST_CASE("the body is passed what aenter() gave, if it takes it") {
  std::string log;
  traps([&] { async_with(Manager(log), [](int entered) { CHECK(entered == 5); }); });
}

TEST_CASE("what the body returns is returned") {
  std::string log;
  traps([&] { CHECK(async_with(Manager(log), [](int entered) { return entered + 1; }) == 6); });
}

TEST_CASE("an error is passed to aexit(), and goes on") {
  std::string log;
  traps([&] {
    CHECK_THROWS_AS(async_with(Manager(log), [] { throw ValueError("1"); }), ValueError);
  });
  CHECK(log == "enter exit ValueError('1') ");
}

TEST_CASE("an error that aexit() suppresses goes no further: there is no result") {
  std::string log;
  traps([&] {
    const auto result = async_with(Manager(log, true), []() -> int { throw ValueError("1"); });
    CHECK_FALSE(result.has_value());
    CHECK(async_with(Manager(log, true), [] { return 3; }) == 3);
  });
}

TEST_CASE("a cancellation passes through aexit(), which may still wait") {
  std::string log;
  Coroutine<> coroutine([&] { async_with(Manager(log), [] { trap(3); }); });
  coroutine.send();
  coroutine.send();
  CHECK(coroutine.throw_(CancelledError()).value().get<int>() == 2);
  CHECK_THROWS_AS(coroutine.send(), CancelledError);
  CHECK(log == "enter exit CancelledError() ");
}

TEST_CASE("if aenter() fails, neither the body nor aexit() is called") {
  std::string log;
  Coroutine<> coroutine([&] { async_with(Manager(log), [&] { log += "body "; }); });
  coroutine.send();
  CHECK_THROWS_AS(coroutine.throw_(CancelledError()), CancelledError);
  CHECK(log == "enter ");
}

TEST_CASE("an error of aexit() replaces the body's") {
  struct Fails {
    void aenter() {}
    bool aexit(std::exception_ptr) { throw TypeError("2"); }
  };
  CHECK_THROWS_AS(async_with(Fails(), [] { throw ValueError("1"); }), TypeError);
  CHECK_THROWS_AS(async_with(Fails(), [] {}), TypeError);
}

TEST_CASE("the manager is in the body's hands: it is not copied") {
  struct Counter {
    int entered = 0;
    Counter() = default;
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;
    Counter& aenter() {
      ++entered;
      return *this;
    }
    bool aexit(std::exception_ptr) { return false; }
  } counter;
  async_with(counter, [&](Counter& same) { CHECK(&same == &counter); });
  CHECK(counter.entered == 1);
}

TEST_SUITE_END();
