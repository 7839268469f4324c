#include <weft/coro/await.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "checks.h"

using namespace weft;

TEST_SUITE_BEGIN("await");

namespace {

Coroutine<int> asking(int question) {
  return {[=] { return trap<int>(question); }};
}

Coroutine<int> add(int a, int b) {
  return {[=] { return a + b; }};
}

/// An object with await(), as Python's objects with __await__.
struct Sensor {
  int id;
  int await() const { return trap<int>(id); }
};

template <class F>
auto coroutine(F body) {
  return Coroutine<decltype(body())>(std::move(body));
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "a temporary coroutine runs as a plain call, and gives its result") {
  const std::size_t in_use = stack_statistics().in_use;
  std::size_t within = 0;
  auto coro = coroutine([&] {
    const int sum = await(add(1, 2)) + await(asking(7));
    within = stack_statistics().in_use;
    return sum;
  });
  CHECK(coro.send().value().get<int>() == 7);
  CHECK(stack_statistics().in_use == in_use + 1);
  CHECK(coro.send(10).result() == 13);
  CHECK(within == in_use + 1);
}

TEST_CASE_FIXTURE(Balanced, "a coroutine that is kept can be awaited") {
  auto kept = asking(7);
  auto coro = coroutine([&] { return await(kept); });
  CHECK(coro.send().value().get<int>() == 7);
  CHECK(coro.send(3).result() == 3);
  CHECK(kept.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "a coroutine that stands at a trap is being awaited already") {
  auto kept = asking(7);
  kept.send();
  auto coro = coroutine([&] { return await(kept); });
  CHECK(error_of([&] { coro.send(); }) == "RuntimeError('coroutine is being awaited already')");
  CHECK(kept.send(1).result() == 1);
}

TEST_CASE_FIXTURE(Balanced, "a coroutine that has ended cannot be awaited") {
  const std::string refused = "RuntimeError('cannot reuse already awaited coroutine')";
  auto ended = add(1, 1);
  ended.send();
  CHECK(error_of([&] { coroutine([&] { return await(ended); }).send(); }) == refused);
  CHECK(error_of([&] { coroutine([&] { return await(std::move(ended)); }).send(); }) == refused);
}

TEST_CASE_FIXTURE(Balanced, "awaiting twice, one after the other, is refused") {
  std::string error;
  auto coro = coroutine([&] {
    auto kept = add(1, 1);
    await(kept);
    error = error_of([&] { await(kept); });
  });
  coro.send();
  CHECK(error == "RuntimeError('cannot reuse already awaited coroutine')");
}

TEST_CASE_FIXTURE(Balanced, "awaiting what somebody else awaits is refused") {
  auto shared = asking(7);
  auto first = coroutine([&] { return await(shared); });
  auto second = coroutine([&] { return await(shared); });
  first.send();
  CHECK(error_of([&] { second.send(); }) == "RuntimeError('coroutine is being awaited already')");
  CHECK(first.send(5).result() == 5);
}

TEST_CASE_FIXTURE(Balanced, "a coroutine cannot await itself") {
  Coroutine<>* me = nullptr;
  Coroutine<> coro([&] { await(*me); });
  me = &coro;
  CHECK(error_of([&] { coro.send(); }) == "ValueError('coroutine already executing')");
}

TEST_CASE_FIXTURE(Balanced, "await() outside a coroutine is an error, and the coroutine unharmed") {
  const std::string refused = "RuntimeError('await() outside a coroutine or task')";
  auto kept = add(1, 2);
  CHECK(error_of([&] { await(kept); }) == refused);
  Sensor sensor{1};
  CHECK(error_of([&] { await(sensor); }) == refused);
  Generator<int> gen([&](auto&) { await(kept); });
  CHECK(error_of([&] { gen.next(); }) == refused);
  CHECK(kept.send().result() == 3);
}

TEST_CASE_FIXTURE(Balanced, "a generator that a coroutine drives may await for it") {
  auto coro = coroutine([] {
    int total = 0;
    for (int i : Generator<int>([](auto& self) {
           self.yield(await(asking(1)));
           self.yield(await(add(20, 3)));
         }))
      total += i;
    return total;
  });
  CHECK(coro.send().value().get<int>() == 1);
  CHECK(coro.send(100).result() == 123);
}

TEST_CASE_FIXTURE(Balanced, "plain functions may await") {
  const auto deep = [](auto& again, int depth) -> int {
    return depth == 0 ? await(asking(depth)) : again(again, depth - 1) + await(add(1, 0));
  };
  auto coro = coroutine([&] { return deep(deep, 3); });
  coro.send();
  CHECK(coro.send(10).result() == 13);
}

// ---- other things than coroutines

TEST_CASE_FIXTURE(Balanced, "an object with await() is awaited, lvalue or temporary") {
  Sensor sensor{5};
  auto coro = coroutine([&] { return await(sensor) + await(Sensor{6}); });
  CHECK(coro.send().value().get<int>() == 5);
  CHECK(coro.is_delegating());
  CHECK(coro.send(1).value().get<int>() == 6);
  CHECK(coro.send(2).result() == 3);
}

TEST_CASE_FIXTURE(Balanced, "an object's await() may throw, and be thrown into") {
  struct Fragile {
    void await() const {
      trap(0);
      throw ValueError("broken");
    }
  };
  auto coro = coroutine([] {
    std::string errors = error_of([] { await(Fragile{}); });
    return errors + error_of([] { await(Fragile{}); });
  });
  coro.send();
  coro.send();
  CHECK(coro.throw_(TypeError("t")).result() == "ValueError('broken')TypeError('t')");
}

TEST_CASE_FIXTURE(Balanced, "what an awaited generator yields goes to the driver") {
  using Numbers = Generator<int, std::optional<int>, std::string>;
  auto coro = coroutine([] {
    return await(Numbers([](auto& self) { return std::to_string(self.yield(1).value_or(0)); }));
  });
  CHECK(coro.send().value().get<int>() == 1);
  CHECK(coro.send(std::optional(44)).result() == "44");
}

TEST_CASE_FIXTURE(Balanced, "results that can only be moved are moved") {
  const auto make = [] { return coroutine([] { return std::make_unique<int>(6); }); };
  auto kept = make();
  auto coro = coroutine([&] { return *await(make()) * *await(kept); });
  CHECK(coro.send().result() == 36);
}

// ---- errors, cancellation and closing

TEST_CASE_FIXTURE(Balanced, "what is awaited throws into the one that awaits") {
  auto kept = coroutine([] { throw ValueError("kept"); });
  auto coro = coroutine([&] {
    return error_of([&] { await(kept); }) +
           error_of([] { await(coroutine([] { throw ValueError("temporary"); })); });
  });
  CHECK(coro.send().result() == "ValueError('kept')ValueError('temporary')");
}

TEST_CASE_FIXTURE(Balanced, "throw_() reaches the innermost first") {
  std::string log;
  auto kept = coroutine([&] {
    Farewell local(log, "inner");
    trap(0);
  });
  auto coro = coroutine([&] {
    Farewell local(log, "outer");
    await(coroutine([&] {
      Farewell middle(log, "middle");
      await(kept);
    }));
  });
  coro.send();
  CHECK_THROWS_AS(coro.throw_(CancelledError()), CancelledError);
  CHECK(log == "inner middle outer ");
}

TEST_CASE_FIXTURE(Balanced, "close() and destruction end what is awaited") {
  auto kept = asking(1);
  {
    auto coro = coroutine([&] { await(kept); });
    coro.send();
  }
  CHECK(kept.state() == State::Closed);
  std::string log;
  auto coro = coroutine([&] {
    await(coroutine([&] {
      Farewell local(log, "inner");
      trap(0);
    }));
  });
  coro.send();
  coro.close();
  CHECK(log == "inner ");
}

TEST_CASE_FIXTURE(Balanced, "cleanup may await again when an error passes") {
  std::vector<std::string> log;
  auto coro = coroutine([&] {
    try {
      await(asking(1));
    } catch (const CancelledError&) {
      log.push_back("cleanup " + std::to_string(await(asking(2))));
      throw;
    }
  });
  coro.send();
  CHECK(coro.throw_(CancelledError()).value().get<int>() == 2);
  CHECK_THROWS_AS(coro.send(9), CancelledError);
  CHECK(log == std::vector<std::string>{"cleanup 9"});
}

TEST_CASE_FIXTURE(Balanced, "is_delegating() is true while something is awaited") {
  auto coro = coroutine([] {
    await(asking(1));
    return 1;
  });
  CHECK_FALSE(coro.is_delegating());
  coro.send();
  CHECK(coro.is_delegating());
  coro.send(0);
  CHECK_FALSE(coro.is_delegating());
}

TEST_CASE_FIXTURE(Balanced, "a forgotten await is reported, an awaited coroutine is not") {
  std::vector<std::string> labels;
  UnawaitedHook before =
      set_unawaited_hook([&](std::string_view label) { labels.emplace_back(label); });
  auto coro = coroutine([] {
    await(add(1, 2));
    auto forgotten = add(1, 2);
    forgotten.set_label("add");
  });
  coro.send();
  set_unawaited_hook(std::move(before));
  CHECK(labels == std::vector<std::string>{"add"});
}

// ---- deep

namespace {

Coroutine<int> nest(int depth) {
  return {[=] { return depth == 0 ? trap<int>(0) : await(nest(depth - 1)) + 1; }};
}

Coroutine<int> nest_on_stacks(int depth) {
  return {[=] {
    if (depth == 0) return trap<int>(0);
    auto inner = nest_on_stacks(depth - 1);
    return await(inner) + 1;
  }};
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "awaits nest a hundred thousand deep") {
  const int depth = 100'000 / kScale;
  auto coro = nest(depth);
  coro.send();
  CHECK(coro.send(1).result() == depth + 1);
}

TEST_CASE_FIXTURE(Balanced, "awaits of kept coroutines nest ten thousand deep") {
  const int depth = 10'000 / kScale;
  auto coro = nest_on_stacks(depth);
  coro.send();
  CHECK(coro.send(1).result() == depth + 1);
}

TEST_SUITE_END();
