// Beginnings and ends of generators: states, closing, destruction, who may resume them.
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/generator.h>

#include "checks.h"

using namespace weft;
using Ints = std::vector<int>;

TEST_SUITE_BEGIN("Generator, its life");

namespace {

Generator<int> count_to(int n) {
  return {[=](auto& self) {
    for (int i = 0; i < n; ++i) self.yield(i);
  }};
}

/// Yields 1; when it is closed, yields 2 all the same.
Generator<int> stubborn() {
  return {[](auto& self) {
    try {
      self.yield(1);
    } catch (const GeneratorExit&) {
      self.yield(2);
    }
  }};
}

}  // namespace

TEST_CASE_FIXTURE(Balanced, "state() tells created, running, suspended and closed") {
  State within = State::Created;
  Generator<int>* me = nullptr;
  Generator<int> gen([&](auto& self) {
    within = me->state();
    self.yield(1);
  });
  me = &gen;
  CHECK(gen.state() == State::Created);
  gen.next();
  CHECK(within == State::Running);
  CHECK(gen.state() == State::Suspended);
  gen.next();
  CHECK(gen.state() == State::Closed);
}

TEST_CASE_FIXTURE(Balanced, "a generator that runs cannot be resumed, thrown into or closed") {
  std::vector<std::string> errors;
  Generator<int>* me = nullptr;
  Generator<int> gen([&](auto& self) {
    errors = {error_of([&] { me->next(); }), error_of([&] { me->throw_(TypeError()); }),
              error_of([&] { me->close(); })};
    self.yield(1);
  });
  me = &gen;
  CHECK(gen.next().value() == 1);
  const std::string refused = "ValueError('generator already executing')";
  CHECK(errors == std::vector{refused, refused, refused});
}

TEST_CASE_FIXTURE(Balanced, "a generator that drives another one is running, too") {
  Generator<int>* outer_handle = nullptr;
  Generator<int> inner([&](auto& self) {
    self.yield(1);
    outer_handle->next();
  });
  Generator<int> outer([&](auto& self) {
    for (int i : inner) self.yield(i);
  });
  outer_handle = &outer;
  outer.next();
  CHECK(error_of([&] { outer.next(); }) == "ValueError('generator already executing')");
}

// ---- closing

TEST_CASE_FIXTURE(Balanced, "close() raises GeneratorExit at the yield and runs destructors") {
  std::string log;
  Generator<int> gen([&](auto& self) {
    Farewell local(log, "local");
    try {
      self.yield(1);
    } catch (const GeneratorExit&) {
      log += "exit ";
      throw;
    }
  });
  gen.next();
  gen.close();
  CHECK(log == "exit local ");
  CHECK(gen.state() == State::Closed);
  CHECK(gen.next().done());
  gen.close();  // no effect
}

TEST_CASE_FIXTURE(Balanced, "close() before the start only means that it stays ended") {
  auto gen = count_to(3);
  gen.close();
  CHECK(gen.state() == State::Closed);
  CHECK(gen.next().done());
}

TEST_CASE_FIXTURE(Balanced, "a body that returns when it is closed is fine") {
  Generator<int> gen([](auto& self) {
    try {
      self.yield(1);
    } catch (const GeneratorExit&) {
    }
  });
  gen.next();
  CHECK(error_of([&] { gen.close(); }) == "nothing");
}

TEST_CASE_FIXTURE(Balanced, "a body that yields when it is closed is told off, and goes on") {
  auto gen = stubborn();
  gen.next();
  CHECK(error_of([&] { gen.close(); }) == "RuntimeError('generator ignored GeneratorExit')");
  CHECK(gen.state() == State::Suspended);
  CHECK(gen.next().done());
}

TEST_CASE_FIXTURE(Balanced, "what the body throws when it is closed comes out of close()") {
  Generator<int> gen([](auto& self) {
    try {
      self.yield(1);
    } catch (const GeneratorExit&) {
      throw ValueError("in cleanup");
    }
  });
  gen.next();
  CHECK(error_of([&] { gen.close(); }) == "ValueError('in cleanup')");
}

// ---- destruction

TEST_CASE_FIXTURE(Balanced, "destroying a suspended generator runs the destructors on its stack") {
  std::string log;
  {
    Generator<int> gen([&](auto& self) {
      Farewell outer(log, "outer");
      [&] {
        Farewell inner(log, "inner");
        self.yield(1);
      }();
    });
    gen.next();
    CHECK(log.empty());
  }
  CHECK(log == "inner outer ");
}

TEST_CASE_FIXTURE(Balanced, "what a body throws while it is destroyed is unraisable") {
  Unraisable unraisable;
  {
    Generator<int> gen([](auto& self) {
      try {
        self.yield(1);
      } catch (const GeneratorExit&) {
        throw ValueError("in cleanup");
      }
    });
    gen.next();
  }
  CHECK(unraisable.seen == std::vector<std::string>{"ValueError('in cleanup')"});
}

TEST_CASE_FIXTURE(Balanced, "a body that yields while it is destroyed is abandoned, and told off") {
  Unraisable unraisable;
  const std::size_t quarantined = stack_statistics().quarantined;
  {
    auto gen = stubborn();
    gen.next();
  }
  CHECK(unraisable.seen ==
        std::vector<std::string>{"RuntimeError('generator ignored GeneratorExit')"});
  CHECK(stack_statistics().quarantined == quarantined + 1);
}

TEST_CASE_FIXTURE(Balanced,
                  "what is abandoned inside yield_from() keeps no exception that it handled") {
  const Unraisable unraisable;
  int living = 0;
  {
    Generator<int> gen([&](auto& self) {
      try {
        self.yield(0);
      } catch (const GeneratorExit&) {
        try {
          throw Counted(living);
        } catch (const Counted&) {
          self.yield_from(count_to(2));
        }
      }
    });
    gen.next();
  }
  CHECK(unraisable.seen ==
        std::vector<std::string>{"RuntimeError('generator ignored GeneratorExit')"});
  CHECK(living == 0);
}

TEST_CASE_FIXTURE(Balanced, "a generator may be destroyed while an exception is handled or flies") {
  std::string log;
  try {
    auto gen = Generator<int>([&](auto& self) {
      Farewell local(log, "unwound");
      try {
        throw TypeError("its own");
      } catch (...) {
        self.yield(1);
      }
    });
    gen.next();
    throw ValueError("flies");
  } catch (const ValueError& error) {
    CHECK(error.message() == "flies");
    CHECK(describe(std::current_exception()) == "ValueError('flies')");
  }
  CHECK(log == "unwound ");
}

TEST_CASE_FIXTURE(Balanced, "captures live from creation to the end of the body") {
  int living = 0;
  Generator<int> gen([mine = Counted(living)](auto& self) { self.yield(1); });
  CHECK(living == 1);
  gen.next();
  CHECK(living == 1);
  gen.next();
  CHECK(living == 0);  // though the handle is still there
}

TEST_CASE_FIXTURE(Balanced, "captures go with a generator that is never started, or closed") {
  int living = 0;
  {
    Generator<int> unstarted([mine = Counted(living)](auto&) {});
  }
  CHECK(living == 0);
  Generator<int> closed([mine = Counted(living)](auto&) {});
  closed.close();
  CHECK(living == 0);
}

TEST_CASE_FIXTURE(Balanced, "the handle may be destroyed within its own next()") {
  std::string log;
  std::unique_ptr<Generator<std::string>> gen;
  gen = std::make_unique<Generator<std::string>>([&](auto& self) {
    Farewell local(log, "local");
    gen.reset();
    self.yield("the last");
    log += "never ";
  });
  auto step = gen->next();
  CHECK(log == "local ");  // nobody can ask for more, so the body has been closed
  CHECK(step.value() == "the last");
}

TEST_CASE_FIXTURE(Balanced, "a body that destroys its handle and returns gives its result") {
  std::unique_ptr<Generator<int, void, int>> gen;
  gen = std::make_unique<Generator<int, void, int>>([&](auto&) {
    gen.reset();
    return 7;
  });
  CHECK(gen->next().result() == 7);
}

TEST_CASE_FIXTURE(Balanced, "assigning to a handle destroys what it referred to") {
  std::string log;
  Generator<int> gen([&](auto& self) {
    Farewell local(log, "old");
    self.yield(1);
  });
  gen.next();
  gen = count_to(2);
  CHECK(log == "old ");
  CHECK(rest_of(gen) == Ints{0, 1});
}

// ---- where generators are kept, and yield from

TEST_CASE_FIXTURE(Balanced, "generators are kept in vectors and moved about") {
  std::vector<Generator<int>> generators;
  for (int i = 0; i < 20; ++i) generators.push_back(count_to(i + 2));
  for (auto& gen : generators) gen.next();
  std::swap(generators[0], generators[19]);
  generators.erase(generators.begin() + 1, generators.begin() + 19);
  CHECK(rest_of(generators[0]).size() == 20);
  CHECK(rest_of(generators[1]) == Ints{1});
}

TEST_CASE_FIXTURE(Balanced, "a generator may be a member, and its body use the object") {
  struct Tokens {
    std::string text;
    Generator<char> each{[this](auto& self) {
      for (char c : text) self.yield(c);
    }};
  };
  Tokens tokens{"abc"};
  CHECK(tokens.each.next().value() == 'a');
  tokens.text[1] = 'X';
  CHECK(tokens.each.next().value() == 'X');
}

TEST_CASE_FIXTURE(Balanced, "functions called by the body may yield, at any depth") {
  using Self = Generator<int>::Self;
  const std::function<void(Self&, int)> visit = [&](Self& self, int depth) {
    if (depth > 0) visit(self, depth - 1);
    self.yield(depth);
    if (depth > 0) visit(self, depth - 1);
  };
  Generator<int> gen([&](Self& self) { visit(self, 2); });
  CHECK(rest_of(gen) == Ints{0, 1, 0, 2, 0, 1, 0});
}

TEST_CASE_FIXTURE(Balanced, "a self is refused on the stack of another generator") {
  Generator<int> outer([](auto& outer_self) {
    Generator<int> inner([&](auto&) { outer_self.yield(1); });
    inner.next();
  });
  CHECK(error_of([&] { outer.next(); }) ==
        "RuntimeError('a generator can only yield from its own body')");
}

TEST_CASE_FIXTURE(Balanced, "a self is refused when its generator does not run") {
  Generator<int>::Self* kept = nullptr;
  Generator<int> gen([&](auto& self) {
    kept = &self;
    self.yield(1);
  });
  gen.next();
  CHECK(error_of([&] { kept->yield(2); }) ==
        "RuntimeError('a generator can only yield from its own body')");
  CHECK(gen.next().done());
}

TEST_CASE_FIXTURE(Balanced, "a suspended generator is refused on another thread, and unharmed") {
  auto gen = count_to(3);
  gen.next();
  std::string error;
  std::thread([&] {
    CHECK(gen.state() == State::Suspended);
    error = error_of([&] { gen.next(); });
  }).join();
  CHECK(error.starts_with("RuntimeError('a suspended generator or coroutine belongs to"));
  CHECK(gen.next().value() == 1);
}

TEST_CASE_FIXTURE(Balanced, "a generator that is not started may go to another thread") {
  auto gen = count_to(3);
  Ints seen;
  std::thread([&] { seen = rest_of(gen); }).join();
  CHECK(seen == Ints{0, 1, 2});
}

TEST_SUITE_END();
