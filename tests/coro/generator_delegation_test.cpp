// yield_from: what reaches the innermost generator, and what comes back.
#include <array>
#include <list>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/generator.h>

#include "checks.h"

using namespace weft;
using Ints = std::vector<int>;

TEST_SUITE_BEGIN("yield_from");

namespace {

Generator<int> count_to(int n) {
  return {[=](auto& self) {
    for (int i = 0; i < n; ++i) self.yield(i);
  }};
}

Generator<int, int, int> bottom() {
  return {[](auto& self) { return self.yield(42); }};
}
Generator<int, int, int> middle() {
  return {[](auto& self) { return self.yield_from(bottom()); }};
}
Generator<int, int, int> top() {
  return {[](auto& self) { return self.yield_from(middle()); }};
}

/// Delegates to `inner`, which somebody else keeps.
Generator<int> through(Generator<int>& inner) {
  return {[&](auto& self) { self.yield_from(inner); }};
}

/// Logs what it is thrown, and goes on.
Generator<int> resilient(std::string& log) {
  return {[&log](auto& self) {
    for (int i = 0;; ++i) try {
        self.yield(i);
      } catch (const Exception& error) {
        (log += error.kind()) += ' ';
      }
  }};
}

Generator<int> stubborn() {
  return {[](auto& self) {
    try {
      self.yield(1);
    } catch (const GeneratorExit&) {
      self.yield(2);
    }
  }};
}

struct Node {
  int value;
  std::unique_ptr<Node> left, right;
};

Generator<int> in_order(const Node* node) {
  return {[=](auto& self) {
    if (!node) return;
    self.yield_from(in_order(node->left.get()));
    self.yield(node->value);
    self.yield_from(in_order(node->right.get()));
  }};
}

std::unique_ptr<Node> tree(int value, std::unique_ptr<Node> left = nullptr,
                           std::unique_ptr<Node> right = nullptr) {
  return std::unique_ptr<Node>(new Node{value, std::move(left), std::move(right)});
}

}  // namespace

// ---- values and results

TEST_CASE_FIXTURE(Balanced, "values pass down the chain and results pass up") {
  auto gen = top();
  CHECK(gen.next().value() == 42);
  CHECK(gen.send(84).result() == 84);
}

TEST_CASE_FIXTURE(Balanced, "generators of all conditions may be delegated to") {
  auto lvalue = count_to(2);
  auto started = count_to(4);
  auto exhausted = count_to(1);
  started.next();
  rest_of(exhausted);
  Generator<int> gen([&](auto& self) {
    self.yield_from(count_to(1));
    self.yield_from(lvalue);
    self.yield_from(std::move(started));
    self.yield_from(exhausted);
    self.yield_from(lvalue);  // by now it is exhausted, too
    self.yield(100);
  });
  CHECK(rest_of(gen) == Ints{0, 0, 1, 1, 2, 3, 100});
}

TEST_CASE_FIXTURE(Balanced, "a generator that has ended before has no result to give") {
  Generator<int, void, int> ended([](auto&) { return 1; });
  ended.next();
  Generator<int> gen([&](auto& self) { self.yield_from(ended); });
  CHECK_THROWS_AS(gen.next(), RuntimeError);

  Generator<int, void, std::optional<int>> maybe([](auto&) { return 1; });
  maybe.next();
  std::optional<int> result = 5;
  Generator<int> forgiving([&](auto& self) { result = self.yield_from(maybe); });
  CHECK(forgiving.next().done());
  CHECK(result == std::nullopt);
}

TEST_CASE_FIXTURE(Balanced, "results that can only be moved are moved") {
  using Box = std::unique_ptr<int>;
  const auto inner = [] {
    return Generator<int, void, Box>([](auto& self) {
      self.yield(0);
      return std::make_unique<int>(6);
    });
  };
  auto kept = inner();
  Generator<int, void, Box> gen([&](auto& self) {
    Box first = self.yield_from(inner());
    Box second = self.yield_from(kept);
    return std::make_unique<int>(*first * *second);
  });
  CHECK(rest_of(gen).size() == 2);
}

TEST_CASE_FIXTURE(Balanced, "the innermost yields the very object that the driver sees") {
  std::array<int, 2> numbers{1, 2};
  const auto inner = [&] {
    return Generator<int&>([&](auto& self) {
      for (int& number : numbers) self.yield(number);
    });
  };
  auto kept = inner();
  Generator<int&> gen([&](auto& self) {
    self.yield_from(inner());
    self.yield_from(kept);
  });
  for (int& number : gen) number *= 10;
  CHECK(numbers == std::array<int, 2>{100, 200});
}

TEST_CASE_FIXTURE(Balanced, "captures of a temporary go before the delegator goes on") {
  int living = 0;
  int seen = -1;
  const auto inner = [&] {
    return Generator<int>([mine = Counted(living)](auto& self) { self.yield(1); });
  };
  Generator<int> gen([&](auto& self) {
    self.yield_from(inner());
    seen = living;
  });
  gen.next();
  CHECK(living == 1);
  gen.next();
  CHECK(seen == 0);
}

TEST_CASE_FIXTURE(Balanced, "a tree is walked by recursion") {
  const auto root = tree(4, tree(2, tree(1), tree(3)), tree(6, tree(5), tree(7)));
  CHECK(rest_of(in_order(root.get())) == Ints{1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE_FIXTURE(Balanced, "a function called by the body may delegate") {
  const auto twice = [](Generator<int>::Self& self) {
    self.yield_from(count_to(2));
    self.yield_from(count_to(1));
  };
  Generator<int> gen([&](auto& self) { twice(self); });
  CHECK(rest_of(gen) == Ints{0, 1, 0});
}

// ---- ranges

TEST_CASE_FIXTURE(Balanced, "the elements of any input range are yielded") {
  const std::list<short> shorts{7, 8};
  Generator<int> gen([&](auto& self) {
    self.yield_from(Ints{5, 6});
    self.yield_from(shorts);
    self.yield_from(std::array{9});
  });
  CHECK(rest_of(gen) == Ints{5, 6, 7, 8, 9});
}

TEST_CASE_FIXTURE(Balanced, "elements of a range may be changed through references") {
  Ints numbers{1, 2};
  Generator<int&> gen([&](auto& self) { self.yield_from(numbers); });
  for (int& number : gen) number += 5;
  CHECK(numbers == Ints{6, 7});
}

TEST_CASE_FIXTURE(Balanced, "what is thrown at a range is raised in the delegator") {
  Generator<int> gen([](auto& self) {
    try {
      self.yield_from(Ints{1, 2});
    } catch (const ValueError&) {
      self.yield(100);
    }
  });
  gen.next();
  CHECK(gen.throw_(ValueError()).value() == 100);
}

// ---- throw_ and close

TEST_CASE_FIXTURE(Balanced, "throw_() reaches the innermost generator") {
  std::string log;
  auto kept = resilient(log);
  Generator<int> gen([&](auto& self) { self.yield_from(resilient(log)); });
  Generator<int> with_stacks([&](auto& self) { self.yield_from(kept); });
  gen.next();
  with_stacks.next();
  CHECK(gen.throw_(ValueError()).value() == 1);
  CHECK(with_stacks.throw_(TypeError()).value() == 1);
  CHECK(log == "ValueError TypeError ");
}

TEST_CASE_FIXTURE(Balanced, "what the innermost does not handle is raised in each delegator") {
  Generator<int> gen([](auto& self) {
    try {
      self.yield_from(Generator<int>([](auto& inner) { inner.yield_from(count_to(5)); }));
    } catch (const ValueError& error) {
      self.yield(std::stoi(error.message()));
    }
  });
  gen.next();
  CHECK(gen.throw_(ValueError("77")).value() == 77);
  CHECK(gen.next().done());
}

TEST_CASE_FIXTURE(Balanced,
                  "a stray StopIteration becomes a RuntimeError on its way to the delegator") {
  std::string caught;
  Generator<int> gen([&](auto& self) {
    caught =
        error_of([&] { self.yield_from(Generator<int>([](auto&) { throw StopIteration(); })); });
  });
  gen.next();
  CHECK(caught == "RuntimeError('generator raised StopIteration')");
}

TEST_CASE_FIXTURE(Balanced, "closing runs innermost first") {
  std::string log;
  const auto layer = [&](const char* name, auto inner) {
    return Generator<int>([&log, name, inner](auto& self) {
      Farewell local(log, name);
      inner(self);
    });
  };
  auto kept = layer("kept", [](auto& self) { self.yield(1); });
  auto gen = layer("outer", [&](auto& self) {
    self.yield_from(layer("middle", [&](auto& inner) { inner.yield_from(kept); }));
  });
  gen.next();
  gen.close();
  CHECK(log == "kept middle outer ");
  CHECK(kept.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "destroying a delegator closes what it delegates to") {
  auto kept = count_to(3);
  {
    auto gen = through(kept);
    gen.next();
  }
  CHECK(kept.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced,
                  "an inner generator that refuses to be closed is an error in its delegator") {
  std::string caught;
  auto kept = stubborn();
  Generator<int> with_stack([&](auto& self) { caught = error_of([&] { self.yield_from(kept); }); });
  with_stack.next();
  with_stack.close();
  CHECK(caught == "RuntimeError('generator ignored GeneratorExit')");
  CHECK(kept.state() == State::Suspended);

  caught.clear();
  Generator<int> inlined(
      [&](auto& self) { caught = error_of([&] { self.yield_from(stubborn()); }); });
  inlined.next();
  inlined.close();
  CHECK(caught == "RuntimeError('generator ignored GeneratorExit')");
}

TEST_CASE_FIXTURE(Balanced, "a GeneratorExit that is thrown closes the inner one, then is raised") {
  auto kept = count_to(3);
  std::string caught;
  Generator<int> gen([&](auto& self) {
    try {
      self.yield_from(kept);
    } catch (const GeneratorExit& exit) {
      caught = exit.message();
      self.yield(100);
    }
  });
  gen.next();
  CHECK(gen.throw_(GeneratorExit("this one")).value() == 100);
  CHECK(caught == "this one");
  CHECK(kept.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "errors of the user's own pass a thousand delegations") {
  struct Custom {
    int code;
  };
  std::string log;
  const auto nest = [&](auto& again, int depth) -> Generator<int> {
    return {[&again, &log, depth](auto& self) {
      if (depth == 0) {
        self.yield(0);
        throw Custom{7};
      }
      Farewell local(log, "");
      if (depth % 2 == 0) {
        self.yield_from(again(again, depth - 1));
      } else {
        auto kept = again(again, depth - 1);
        self.yield_from(kept);
      }
    }};
  };
  auto gen = nest(nest, 1000);
  gen.next();
  int code = 0;
  try {
    gen.next();
  } catch (const Custom& error) {
    code = error.code;
  }
  CHECK(code == 7);
  CHECK(log.size() == 1000);  // each level was unwound
}

TEST_CASE("a value sent to a range is an AttributeError where the delegation stands") {
  Generator<int, std::optional<int>> numbers([](auto& self) {
    try {
      self.yield_from(std::vector{1, 2, 3});
    } catch (const AttributeError&) {
      self.yield(-1);
    }
  });
  CHECK(numbers.next().value() == 1);
  CHECK(numbers.next().value() == 2);
  CHECK(numbers.send(7).value() == -1);
}

TEST_SUITE_END();
