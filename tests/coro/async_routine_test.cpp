#include <weft/coro/async_routine.h>

#include <string>
#include <vector>

#include <weft/coro/async_generator.h>

#include "checks.h"

using namespace weft;

TEST_SUITE_BEGIN("AsyncGeneratorHooks");

namespace {

AsyncGenerator<int> with_farewell(std::string& log, const char* name) {
  return {[&log, name](auto& self) {
    const Farewell farewell(log, name);
    for (;;) self.yield(1);
  }};
}

/// Keeps what it is left.
class Keeper : public AsyncGeneratorHooks {
 public:
  Keeper() : before_(set_asyncgen_hooks(this)) {}
  ~Keeper() override { set_asyncgen_hooks(before_); }
  void finalize(AnyAsyncGenerator generator) noexcept override { left.push_back(generator); }

  std::vector<AnyAsyncGenerator> left;

 private:
  AsyncGeneratorHooks* before_;
};

void iterate(AsyncGenerator<int>& generator) { generator.anext().send(); }

}  // namespace

TEST_CASE_FIXTURE(Balanced, "without hooks a suspended generator is closed when it is destroyed") {
  std::string log;
  {
    auto gen = with_farewell(log, "a");
    iterate(gen);
  }
  CHECK(log == "a ");
}

TEST_CASE_FIXTURE(Balanced, "what it throws meanwhile, or a wait, is unraisable") {
  const Unraisable unraisable;
  const auto drop = [](auto at_exit) {
    AsyncGenerator<int> gen([=](auto& self) {
      try {
        self.yield(1);
      } catch (const GeneratorExit&) {
        at_exit();
      }
    });
    iterate(gen);
  };
  drop([] { throw ValueError("no"); });
  drop([] {});
  CHECK(unraisable.seen == std::vector<std::string>{"ValueError('no')", "StopAsyncIteration()"});
}

TEST_CASE_FIXTURE(Balanced, "with hooks it is left to them, to be closed by something that waits") {
  std::string log;
  Keeper keeper;
  {
    auto gen = with_farewell(log, "a");
    iterate(gen);
  }
  CHECK(log.empty());
  REQUIRE(keeper.left.size() == 1);
  keeper.left[0].aclose().send();
  CHECK(log == "a ");
}

TEST_CASE_FIXTURE(Balanced, "the second time it is dropped it is closed on the spot") {
  std::string log;
  Keeper keeper;
  {
    auto gen = with_farewell(log, "a");
    iterate(gen);
  }
  keeper.left.clear();
  CHECK(log == "a ");
  CHECK(keeper.left.empty());
}

TEST_CASE_FIXTURE(Balanced, "one that has ended, or is being closed, is not left to them") {
  std::string log;
  Keeper keeper;
  {
    auto ended = with_farewell(log, "a");
    iterate(ended);
    ended.aclose().send();
    AsyncGenerator<int> refuses([](auto& self) {
      try {
        self.yield(1);
      } catch (const GeneratorExit&) {
        trap(1);
        throw;
      }
    });
    iterate(refuses);
    const Unraisable ignored;
    refuses.aclose().send();
  }
  CHECK(keeper.left.empty());
}

TEST_CASE_FIXTURE(Balanced, "hooks count that were set when the first step was asked for") {
  std::string log;
  {
    auto before = with_farewell(log, "before");
    auto during = with_farewell(log, "during");
    before.anext();
    Keeper keeper;
    iterate(before);
    during.anext();
    CHECK(keeper.take_all().size() == 1);
  }
  CHECK(log == "before ");  // the other one was never started
}

TEST_CASE_FIXTURE(Balanced, "take_all() tells of those that live, in order of iteration, once") {
  std::string log;
  Keeper keeper;
  auto a = with_farewell(log, "a");
  auto b = with_farewell(log, "b");
  iterate(b);
  iterate(a);
  {
    auto c = with_farewell(log, "c");
    iterate(c);
    c.aclose().send();
  }
  log.clear();
  CHECK_FALSE(keeper.empty());
  for (const AnyAsyncGenerator& each : keeper.take_all()) each.aclose().send();
  CHECK(log == "b a ");
  CHECK(keeper.empty());
  CHECK(keeper.take_all().empty());
}

TEST_CASE_FIXTURE(Balanced, "hooks may go before the generators") {
  std::string log;
  auto gen = with_farewell(log, "a");
  {
    const Keeper keeper;
    iterate(gen);
  }
  gen = with_farewell(log, "b");
  CHECK(log == "a ");
}

TEST_SUITE_END();
