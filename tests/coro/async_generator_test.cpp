#include <weft/coro/async_generator.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weft/coro/async_for.h>

#include "checks.h"

using namespace weft;
using Ints = std::vector<int>;
using Trapped = std::vector<int>;

TEST_SUITE_BEGIN("AsyncGenerator");

namespace {

/// Counts up; each number has to be waited for.
AsyncGenerator<int> numbers(int up_to) {
  return {[=](auto& self) {
    for (int i = 0; i < up_to; ++i) {
      trap(10 * i);
      self.yield(i);
    }
  }};
}

/// Yields what it was sent last, at first -1.
AsyncGenerator<int, std::optional<int>> echo() {
  return {[](auto& self) {
    int last = -1;
    for (;;) last = self.yield(last).value_or(0);
  }};
}

/// Runs `body` as a coroutine that nobody keeps waiting; gives what it has trapped.
template <class F>
Trapped run_by_hand(F body) {
  Coroutine<> coroutine(body);
  Trapped trapped;
  while (auto step = coroutine.send()) trapped.push_back(step.value().template get<int>());
  return trapped;
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "what the body waits for, the coroutine waits for that asks") {
  Ints seen;
  CHECK(run_by_hand([&] {
          auto gen = numbers(2);
          seen.push_back(await(gen.anext()));
          seen.push_back(await(gen.anext()));
          CHECK_THROWS_AS(await(gen.anext()), StopAsyncIteration);
        }) == Trapped{0, 10});
  CHECK(seen == Ints{0, 1});
}

TEST_CASE_FIXTURE(Balanced, "async_for runs over it, and drops it when it breaks off") {
  Ints seen;
  std::string log;
  CHECK(run_by_hand([&] {
          AsyncGenerator<int> gen([&](auto& self) {
            const Farewell farewell(log, "closed");
            for (int i = 0;; ++i) self.yield(i);
          });
          async_for(std::move(gen), [&](int i) {
            seen.push_back(i);
            return i == 2 ? Iteration::Break : Iteration::Continue;
          });
          CHECK(log == "closed ");
        }) == Trapped{});
  CHECK(seen == Ints{0, 1, 2});
}

TEST_CASE_FIXTURE(Balanced, "asend() is what the yield returns; anext() sends nothing") {
  run_by_hand([] {
    auto gen = echo();
    CHECK(await(gen.asend(std::nullopt)) == -1);
    CHECK(await(gen.asend(7)) == 7);
    CHECK(await(gen.anext()) == 0);
  });
}

TEST_CASE_FIXTURE(Balanced, "a value cannot be sent before the first yield") {
  run_by_hand([] {
    auto gen = echo();
    CHECK(error_of([&] { await(gen.asend(7)); }) ==
          "TypeError('can't send non-None value to a just-started async generator')");
    CHECK(await(gen.anext()) == -1);
  });
}

TEST_CASE_FIXTURE(Balanced, "where a value has to be sent, anext() is refused and moves nothing") {
  run_by_hand([] {
    AsyncGenerator<int, int> gen([](auto& self) { self.yield(self.yield(1) + 1); });
    CHECK(await(gen.anext()) == 1);
    CHECK(error_of([&] { await(gen.anext()); }) == "TypeError('send: void where int is wanted')");
    CHECK(await(gen.asend(5)) == 6);
  });
}

TEST_CASE_FIXTURE(Balanced, "athrow() raises at the yield and gives the next item") {
  run_by_hand([] {
    AsyncGenerator<int> gen([](auto& self) {
      try {
        self.yield(1);
      } catch (const ValueError&) {
        self.yield(2);
      }
    });
    CHECK(await(gen.anext()) == 1);
    CHECK(await(gen.athrow(ValueError("no"))) == 2);
    CHECK_THROWS_AS(await(gen.athrow(KeyboardInterrupt())), KeyboardInterrupt);
    CHECK(gen.is_closed());
  });
}

TEST_CASE_FIXTURE(Balanced, "athrow() at an ended one has no item to give") {
  run_by_hand([] {
    AsyncGenerator<int> gen([](auto&) {});
    CHECK_THROWS_AS(await(gen.anext()), StopAsyncIteration);
    CHECK(error_of([&] { await(gen.athrow(ValueError())); }) ==
          "RuntimeError('the generator had ended before: it has no item to give')");
  });
  CHECK(error_of([] { numbers(1).athrow(std::exception_ptr()); }) ==
        "TypeError('athrow: there is no exception to throw')");
}

TEST_CASE_FIXTURE(Balanced, "aclose() lets the body wait while it ends") {
  std::string log;
  CHECK(run_by_hand([&] {
          AsyncGenerator<int> gen([&](auto& self) {
            const Farewell farewell(log, "closed");
            try {
              self.yield(1);
            } catch (const GeneratorExit&) {
              trap(5);
              throw;
            }
          });
          await(gen.anext());
          CHECK_FALSE(gen.is_closed());
          await(gen.aclose());
          CHECK(gen.is_closed());
          CHECK(log == "closed ");
          await(gen.aclose());
        }) == Trapped{5});
}

TEST_CASE_FIXTURE(Balanced, "a body that yields while it is closed is told so") {
  run_by_hand([] {
    AsyncGenerator<int> gen([](auto& self) {
      try {
        self.yield(1);
      } catch (const GeneratorExit&) {
        self.yield(2);
      }
    });
    await(gen.anext());
    CHECK(error_of([&] { await(gen.aclose()); }) ==
          "RuntimeError('async generator ignored GeneratorExit')");
    CHECK_THROWS_AS(await(gen.anext()), StopAsyncIteration);
  });
}

TEST_CASE_FIXTURE(Balanced, "neither kind of stop gets out of a body") {
  run_by_hand([] {
    AsyncGenerator<int> gen([](auto&) { throw StopIteration(); });
    CHECK(error_of([&] { await(gen.anext()); }) ==
          "RuntimeError('async generator raised StopIteration')");
    AsyncGenerator<int> other([](auto&) { throw StopAsyncIteration(); });
    CHECK(error_of([&] { await(other.anext()); }) ==
          "RuntimeError('async generator raised StopAsyncIteration')");
  });
}

TEST_CASE_FIXTURE(Balanced, "a step is used once, and one at a time") {
  auto gen = numbers(2);
  auto first = gen.anext();
  auto second = gen.anext();
  CHECK(first.send().value().get<int>() == 0);
  CHECK(gen.is_running());
  CHECK(error_of([&] { second.send(); }) ==
        "RuntimeError('anext(): asynchronous generator is already running')");
  CHECK(error_of([&] { gen.athrow(ValueError()).send(); }) ==
        "RuntimeError('athrow(): asynchronous generator is already running')");
  CHECK(error_of([&] { gen.aclose().send(); }) ==
        "RuntimeError('aclose(): asynchronous generator is already running')");
  CHECK(first.send().result() == 0);
  CHECK_FALSE(gen.is_running());
  CHECK(error_of([&] { first.send(); }) ==
        "RuntimeError('cannot reuse already awaited __anext__()/asend()')");
  auto closing = gen.aclose();
  CHECK(closing.send().done());
  CHECK(error_of([&] { closing.send(); }) ==
        "RuntimeError('cannot reuse already awaited aclose()/athrow()')");
}

TEST_CASE_FIXTURE(Balanced, "by hand, what is thrown into a step is raised where the body waits") {
  AsyncGenerator<int> gen([](auto& self) {
    try {
      trap(1);
    } catch (const ValueError&) {
      self.yield(2);
    }
  });
  auto step = gen.anext();
  CHECK(step.send().value().get<int>() == 1);
  CHECK(gen.is_delegating());
  CHECK(step.throw_(ValueError()).result() == 2);
  CHECK_FALSE(gen.is_delegating());
}

TEST_CASE_FIXTURE(Balanced, "by hand, a wrong type is refused, and nothing moves") {
  AsyncGenerator<int, std::optional<int>> gen([](auto& self) {
    const auto word = trap<std::string>(1);
    self.yield(static_cast<int>(word.size()));
    self.yield(5);
  });
  auto step = gen.anext();
  step.send();
  CHECK_THROWS_AS(step.send(3), TypeError);
  CHECK(step.send(std::string("four")).result() == 4);
  auto next = gen.asend(3);
  CHECK(next.send().result() == 5);
}

TEST_CASE_FIXTURE(Balanced, "a closed step cannot be awaited; the generator stays where it is") {
  auto gen = numbers(1);
  auto step = gen.anext();
  CHECK(step.send().value().get<int>() == 0);
  step.close();
  CHECK(error_of([&] { step.send(); }) ==
        "RuntimeError('cannot reuse already awaited __anext__()/asend()')");
  CHECK(gen.is_delegating());
}

TEST_CASE_FIXTURE(Balanced, "items may be of a type that only moves") {
  run_by_hand([] {
    AsyncGenerator<std::unique_ptr<int>> gen(
        [](auto& self) { self.yield(std::make_unique<int>(3)); });
    const std::unique_ptr<int> item = await(gen.anext());
    CHECK(*item == 3);
  });
}

TEST_CASE_FIXTURE(Balanced, "one may iterate over another, to any depth") {
  const auto copy = [](AsyncGenerator<int> source) {
    return AsyncGenerator<int>(
        [source = std::make_shared<AsyncGenerator<int>>(std::move(source))](auto& self) {
          async_for(*source, [&](int i) { self.yield(i); });
        });
  };
  Ints seen;
  CHECK(run_by_hand([&] {
          AsyncGenerator<int> gen = numbers(2);
          for (int depth = 0; depth < 20; ++depth) gen = copy(std::move(gen));
          async_for(gen, [&](int i) { seen.push_back(i); });
        }) == Trapped{0, 10});
  CHECK(seen == Ints{0, 1});
}

TEST_CASE_FIXTURE(Balanced,
                  "a generator that is driven inside the body does not hold up its waits") {
  CHECK(run_by_hand([] {
          AsyncGenerator<int> gen([](auto& self) {
            Generator<int> inner([](auto& it) {
              trap(7);
              it.yield(1);
            });
            self.yield(inner.next().value());
          });
          CHECK(await(gen.anext()) == 1);
        }) == Trapped{7});
}

TEST_SUITE_END();
