#include <weft/coro/coroutine.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "checks.h"

using namespace weft;

TEST_SUITE_BEGIN("Coroutine");

namespace {

/// Traps each number from 0 on, and returns the sum of what it is sent for them.
Coroutine<int> asking(int times) {
  return {[=] {
    int total = 0;
    for (int i = 0; i < times; ++i) total += trap<int>(i);
    return total;
  }};
}

Coroutine<> waiting() {
  return {[] { trap(0); }};
}

}  // namespace

// ---- traps

TEST_CASE_FIXTURE(Balanced, "nothing of the body runs before the first send()") {
  bool started = false;
  Coroutine<> coro([&] { started = true; });
  CHECK_FALSE(started);
  CHECK(coro.send().done());
  CHECK(started);
}

TEST_CASE_FIXTURE(Balanced, "the driver is given what is trapped, and the body what is sent") {
  auto coro = asking(2);
  CHECK(coro.send().value().get<int>() == 0);
  CHECK(coro.send(40).value().get<int>() == 1);
  CHECK(coro.send(2).result() == 42);
}

TEST_CASE_FIXTURE(Balanced, "a body may trap values of many types, also such that only move") {
  Coroutine<std::string> coro([] {
    const auto woke = trap<std::string>(std::chrono::seconds(3));
    const auto box = trap<std::unique_ptr<int>>(std::make_unique<int>(1));
    return woke + std::to_string(*box);
  });
  CHECK(coro.send().value().get<std::chrono::seconds>() == std::chrono::seconds(3));
  auto second = coro.send(std::string("up"));
  const auto taken = std::move(second.value().get<std::unique_ptr<int>>());
  CHECK(*taken == 1);
  CHECK(coro.send(std::make_unique<int>(2)).result() == "up2");
}

TEST_CASE_FIXTURE(Balanced, "a trapped value is asked for by its type") {
  auto coro = asking(1);
  auto step = coro.send();
  CHECK(step.value().holds<int>());
  CHECK_FALSE(step.value().holds<long>());
  CHECK(step.value().type() == typeid(int));
  CHECK(error_of([&] { step.value().get<long>(); }) ==
        "TypeError('trapped: int where long is wanted')");
}

TEST_CASE_FIXTURE(Balanced, "a trapped lvalue is the very object") {
  std::string text = "a";
  Coroutine<> coro([&] { trap(text); });
  CHECK(&coro.send().value().get<std::string>() == &text);
}

TEST_CASE_FIXTURE(Balanced, "sending a wrong type is the driver's error; the coroutine stays") {
  auto coro = asking(2);
  coro.send();
  CHECK(error_of([&] { coro.send(std::string("no")); }).starts_with("TypeError('send: "));
  CHECK(error_of([&] { coro.send(1L); }) == "TypeError('send: long where int is wanted')");
  CHECK(error_of([&] { coro.send(); }) == "TypeError('send: void where int is wanted')");
  CHECK(coro.state() == State::Suspended);
  CHECK(coro.send(5).value().get<int>() == 1);
  CHECK(coro.send(6).result() == 11);
}

TEST_CASE_FIXTURE(Balanced, "a trap that expects nothing is sent nothing") {
  auto coro = waiting();
  coro.send();
  CHECK_THROWS_AS(coro.send(1), TypeError);
  CHECK(coro.send().done());
}

TEST_CASE_FIXTURE(Balanced, "a trap that expects an optional may be sent nothing") {
  std::vector<std::optional<int>> got;
  Coroutine<> coro([&] {
    for (int i = 0; i < 2; ++i) got.push_back(trap<std::optional<int>>(0));
  });
  coro.send();
  coro.send();
  coro.send(std::optional(4));
  CHECK(got == std::vector<std::optional<int>>{std::nullopt, 4});
}

TEST_CASE_FIXTURE(Balanced, "a value cannot be sent to a body that has not started") {
  auto coro = asking(1);
  CHECK(error_of([&] { coro.send(1); }) ==
        "TypeError('can't send non-None value to a just-started coroutine')");
  CHECK(coro.state() == State::Created);
  coro.send();
}

namespace {

int ask_at(int depth) {
  return depth == 0 ? trap<int>(std::string("deep")) : ask_at(depth - 1) + 1;
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "plain functions may trap, at any depth of calls") {
  Coroutine<int> coro([] { return ask_at(3); });
  CHECK(coro.send().value().get<std::string>() == "deep");
  CHECK(coro.send(10).result() == 13);
}

TEST_CASE_FIXTURE(Balanced, "trap() outside a coroutine is an error") {
  const std::string refused = "RuntimeError('trap() outside a coroutine')";
  CHECK(error_of([] { trap(1); }) == refused);
  Generator<int> gen([](auto&) { trap(1); });
  CHECK(error_of([&] { gen.next(); }) == refused);
}

// ---- endings

TEST_CASE_FIXTURE(Balanced, "a coroutine that has ended cannot be driven again") {
  const std::string refused = "RuntimeError('cannot reuse already awaited coroutine')";
  auto coro = asking(0);
  CHECK(coro.send().result() == 0);
  CHECK(error_of([&] { coro.send(); }) == refused);
  CHECK(error_of([&] { coro.throw_(ValueError()); }) == refused);
  CHECK(error_of([&] { coro.close(); }) == "nothing");
}

TEST_CASE_FIXTURE(Balanced, "what the body throws comes out of send()") {
  Coroutine<> coro([] {
    trap(0);
    throw ValueError("broken");
  });
  coro.send();
  CHECK(error_of([&] { coro.send(); }) == "ValueError('broken')");
  CHECK(coro.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "a StopIteration that leaves the body becomes a RuntimeError") {
  Coroutine<> coro([] { throw StopIteration(); });
  CHECK(error_of([&] { coro.send(); }) == "RuntimeError('coroutine raised StopIteration')");
}

TEST_CASE_FIXTURE(Balanced, "throw_() raises at the trap, where it may be handled") {
  Coroutine<std::string> coro([] {
    try {
      trap(0);
    } catch (const CancelledError& error) {
      trap(1);
      return "cancelled: " + error.message();
    }
    return std::string("not reached");
  });
  coro.send();
  CHECK(coro.throw_(CancelledError("stop")).value().get<int>() == 1);
  CHECK(coro.send().result() == "cancelled: stop");
}

TEST_CASE_FIXTURE(Balanced, "close() unwinds the body") {
  std::string log;
  Coroutine<> coro([&] {
    Farewell local(log, "local");
    trap(0);
  });
  coro.send();
  coro.close();
  CHECK(log == "local ");
  CHECK(coro.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "a body that traps when it is closed is told off") {
  Coroutine<> coro([] {
    try {
      trap(0);
    } catch (const GeneratorExit&) {
      trap(1);
    }
  });
  coro.send();
  CHECK(error_of([&] { coro.close(); }) == "RuntimeError('coroutine ignored GeneratorExit')");
  CHECK(coro.send().done());
}

TEST_CASE_FIXTURE(Balanced, "destroying a suspended coroutine runs the destructors on its stack") {
  std::string log;
  {
    Coroutine<> coro([&] {
      Farewell local(log, "local");
      trap(0);
    });
    coro.send();
  }
  CHECK(log == "local ");
}

TEST_CASE_FIXTURE(Balanced, "captures go when the body ends") {
  int living = 0;
  Coroutine<> coro([mine = Counted(living)] { trap(0); });
  coro.send();
  CHECK(living == 1);
  coro.send();
  CHECK(living == 0);
}

TEST_CASE_FIXTURE(Balanced, "the handle may be destroyed within its own send()") {
  std::string log;
  std::unique_ptr<Coroutine<>> coro;
  coro = std::make_unique<Coroutine<>>([&] {
    Farewell local(log, "local");
    coro.reset();
    trap(0);
    log += "never ";
  });
  auto step = coro->send();
  CHECK(log == "local ");
  CHECK(step.value().type() == typeid(void));  // the value went with the coroutine
}

TEST_CASE_FIXTURE(Balanced, "a body may be suspended inside a catch block") {
  const auto body = [](const char* what) {
    return Coroutine<>([=] {
      try {
        throw ValueError(what);
      } catch (...) {
        trap(0);
        throw;
      }
    });
  };
  auto a = body("a");
  auto b = body("b");
  a.send();
  b.send();
  CHECK(error_of([&] { a.send(); }) == "ValueError('a')");
  CHECK(error_of([&] { b.send(); }) == "ValueError('b')");
}

// ---- what it says of itself

TEST_CASE_FIXTURE(Balanced, "state() tells created, running, suspended and closed") {
  State within = State::Created;
  Coroutine<>* me = nullptr;
  Coroutine<> coro([&] {
    within = me->state();
    trap(0);
  });
  me = &coro;
  CHECK(coro.state() == State::Created);
  coro.send();
  CHECK(within == State::Running);
  CHECK(coro.state() == State::Suspended);
  coro.send();
  CHECK(coro.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "a coroutine that runs cannot be driven") {
  std::string error;
  Coroutine<>* me = nullptr;
  Coroutine<> coro([&] { error = error_of([&] { me->send(); }); });
  me = &coro;
  coro.send();
  CHECK(error == "ValueError('coroutine already executing')");
}

namespace {

/// The labels of the coroutines that `f` makes and forgets.
template <class F>
std::vector<std::string> unawaited_in(F&& f) {
  std::vector<std::string> labels;
  UnawaitedHook before =
      set_unawaited_hook([&](std::string_view label) { labels.emplace_back(label); });
  f();
  set_unawaited_hook(std::move(before));
  return labels;
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "a coroutine that is never started is reported by its label") {
  const auto labels = unawaited_in([] {
    auto fetch = asking(1);
    fetch.set_label("fetch");
    asking(2);
  });
  CHECK(labels == std::vector<std::string>{"a coroutine", "fetch"});
}

TEST_CASE_FIXTURE(Balanced, "a coroutine that was started, closed or moved from is not reported") {
  const auto labels = unawaited_in([] {
    asking(1).send();
    asking(1).close();
    auto from = asking(1);
    auto to = std::move(from);
    to.close();
  });
  CHECK(labels.empty());
}

TEST_CASE_FIXTURE(Balanced, "a suspended coroutine is refused on another thread, and unharmed") {
  auto coro = asking(1);
  coro.send();
  std::string error;
  std::thread([&] { error = error_of([&] { coro.send(1); }); }).join();
  CHECK(error.starts_with("RuntimeError('a suspended generator or coroutine belongs to"));
  CHECK(coro.send(8).result() == 8);
}

// ---- generators and loops inside coroutines

TEST_CASE_FIXTURE(Balanced, "a generator that a coroutine drives may trap for it") {
  std::vector<int> items;
  Generator<int> numbers([](auto& self) {
    for (int i = 0; i < 2; ++i) self.yield(trap<int>(i));
  });
  Coroutine<> coro([&] {
    for (int item : numbers) items.push_back(item);
  });
  CHECK(coro.send().value().get<int>() == 0);
  CHECK(numbers.state() == State::Running);
  CHECK(coro.send(10).value().get<int>() == 1);
  CHECK(coro.send(20).done());
  CHECK(items == std::vector<int>{10, 20});
}

TEST_CASE_FIXTURE(Balanced, "while it waits there, nobody else can drive that generator") {
  Generator<int> numbers([](auto& self) {
    trap(100);
    self.yield(1);
  });
  const auto user = [&] { return Coroutine<int>([&] { return numbers.next().value(); }); };
  auto a = user();
  auto b = user();
  CHECK(a.send().value().get<int>() == 100);
  CHECK(error_of([&] { b.send(); }) == "ValueError('generator already executing')");
  CHECK(error_of([&] { numbers.close(); }) == "ValueError('generator already executing')");
  CHECK(a.send().result() == 1);
}

TEST_CASE_FIXTURE(Balanced, "coroutines take turns with a generator that waits") {
  Generator<int> numbers([](auto& self) {
    for (int i = 0; i < 4; ++i) {
      trap(100 + i);
      self.yield(i);
    }
  });
  std::string log;
  const auto user = [&](const char* name) {
    return Coroutine<>([&, name] {
      for (int i = 0; i < 2; ++i) {
        log += name + std::to_string(numbers.next().value()) + ' ';
        trap(200);
      }
    });
  };
  auto a = user("a");
  auto b = user("b");
  for (auto* coro : {&a, &b, &a, &b}) {
    coro->send();
    coro->send();  // from the generator's trap to the coroutine's
  }
  CHECK(log == "a0 b1 a2 b3 ");
  CHECK(a.send().done());
  CHECK(b.send().done());
}

TEST_CASE_FIXTURE(Balanced, "closing a coroutine unwinds the generator that it is parked in") {
  std::string log;
  Generator<int> numbers([&](auto&) {
    Farewell local(log, "generator");
    trap(1);
  });
  Coroutine<> coro([&] {
    Farewell local(log, "coroutine");
    numbers.next();
  });
  coro.send();
  coro.close();
  CHECK(log == "generator coroutine ");
  CHECK(numbers.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced,
                  "a loop written inside a coroutine drives others; its own traps go out") {
  Coroutine<int> outer([] {
    auto inner = asking(2);
    auto step = inner.send();
    while (!step.done()) step = inner.send(trap<int>(1000 + step.value().get<int>()));
    return step.result();
  });
  CHECK(outer.send().value().get<int>() == 1000);
  CHECK(outer.send(5).value().get<int>() == 1001);
  CHECK(outer.send(6).result() == 11);
}

TEST_SUITE_END();
