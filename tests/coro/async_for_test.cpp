#include <weft/coro/async_for.h>

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/await.h>

using namespace weft;
using Ints = std::vector<int>;

TEST_SUITE_BEGIN("async_for");

namespace {

/// Counts up; each number has to be waited for.
class Numbers {
 public:
  explicit Numbers(int up_to) : up_to_(up_to) {}
  int anext() {
    if (next_ == up_to_) throw StopAsyncIteration();
    trap(next_);
    return next_++;
  }

 private:
  int next_ = 0;
  int up_to_;
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

TEST_CASE("the body is called with each item; waits are the iterator's") {
  Ints seen;
  CHECK(traps([&] { async_for(Numbers(3), [&](int n) { seen.push_back(n); }); }) == 3);
  CHECK(seen == Ints{0, 1, 2});
}

TEST_CASE("the body may wait, too") {
  CHECK(traps([] { async_for(Numbers(3), [](int n) { trap(n); }); }) == 6);
}

TEST_CASE("an iterable that is named goes on where it stands") {
  Ints seen;
  traps([&] {
    Numbers numbers(4);
    const auto take = [&](int n) {
      seen.push_back(n);
      return n == 1 ? Iteration::Break : Iteration::Continue;
    };
    async_for(numbers, take);
    seen.push_back(-1);
    async_for(numbers, take);
  });
  CHECK(seen == Ints{0, 1, -1, 2, 3});
}

TEST_CASE("`otherwise` is called if the items run out, not if the body breaks off") {
  int calls = 0;
  traps([&] {
    const auto otherwise = [&] { ++calls; };
    async_for(Numbers(0), [](int) {}, otherwise);
    async_for(Numbers(2), [](int) { return Iteration::Continue; }, otherwise);
    CHECK(calls == 2);
    async_for(Numbers(2), [](int) { return Iteration::Break; }, otherwise);
  });
  CHECK(calls == 2);
}

TEST_CASE("a StopAsyncIteration of the body passes") {
  traps([] {
    CHECK_THROWS_AS(async_for(Numbers(2), [](int) { throw StopAsyncIteration(); }),
                    StopAsyncIteration);
  });
}

TEST_CASE("a temporary ends before `otherwise`, and before an error is caught") {
  auto life = std::make_shared<int>();
  struct Items {
    std::shared_ptr<int> life;
    int left;
    int anext() {
      if (left-- == 0) throw StopAsyncIteration();
      return left;
    }
  };
  async_for(
      Items{life, 1}, [&](int) { CHECK(life.use_count() == 2); },
      [&] { CHECK(life.use_count() == 1); });
  try {
    async_for(Items{life, 1}, [](int) { throw ValueError("1"); });
  } catch (const ValueError&) {
    CHECK(life.use_count() == 1);
  }
}

TEST_CASE("what is thrown into a waiting loop comes out of it") {
  Coroutine<> coroutine([] { async_for(Numbers(2), [](int) {}); });
  coroutine.send();
  CHECK_THROWS_AS(coroutine.throw_(CancelledError()), CancelledError);
}

TEST_CASE("items need not be copied: references and values that only move") {
  struct References {
    int left;
    int& anext() {
      if (left == 0) throw StopAsyncIteration();
      return left;
    }
  } references{3};
  async_for(references, [](int& left) { --left; });
  CHECK(references.left == 0);

  struct Boxes {
    int left;
    std::unique_ptr<int> anext() {
      if (left-- == 0) throw StopAsyncIteration();
      return std::make_unique<int>(left);
    }
  };
  Ints seen;
  async_for(Boxes{2}, [&](std::unique_ptr<int> box) { seen.push_back(*box); });
  CHECK(seen == Ints{1, 0});
}

TEST_SUITE_END();
