#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/coro/await.h>
#include <weft/task/gather.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

using namespace std::chrono_literals;
using namespace weft;

TEST_SUITE_BEGIN("results");

TEST_CASE("a task of a function that returns a reference gives that very object") {
  testing::run([] {
    int object = 1;
    const Task<int&> task = create_task([&]() -> int& { return object; });
    int& got = await(task);
    CHECK(&got == &object);
    CHECK(&task.result() == &object);
  });
}

TEST_CASE("a coroutine may return a reference") {
  testing::run([] {
    const std::string object = "x";
    CHECK(&await(Coroutine<const std::string&>([&]() -> const std::string& {
      sleep(1s);
      return object;
    })) == &object);
  });
}

TEST_CASE("a future of a reference is set to an object") {
  testing::run([] {
    int object = 1;
    const Future<int&> future;
    future.set_result(object);
    CHECK(&await(future) == &object);
  });
}

TEST_CASE("gather() gives references as they are, or wrapped") {
  testing::run([] {
    int object = 1;
    const auto get = [&]() -> int& { return object; };
    auto [a, b] = gather(get, [] { return 2; });
    CHECK(&a.get() == &object);
    CHECK(b == 2);
    const auto outcomes = gather(return_exceptions, get);
    CHECK(&std::get<0>(outcomes).result() == &object);
  });
}

TEST_CASE("await() of a temporary task moves its result out") {
  struct Counted {
    int copies = 0;
    Counted() = default;
    Counted(const Counted& other) : copies(other.copies + 1) {}
    Counted(Counted&&) = default;
  };
  testing::run([] {
    CHECK(await(create_task([] { return Counted(); })).copies == 0);
    const auto task = create_task([] { return Counted(); });
    CHECK(await(task).copies == 1);
    CHECK(await(task).copies == 1);  // it is still there
  });
}

TEST_SUITE_END();
