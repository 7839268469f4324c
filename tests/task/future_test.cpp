#include <weft/task/future.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

TEST_SUITE_BEGIN("Future");

// ---- states

TEST_CASE("a new future is pending, and says so") {
  testing::run([] {
    const Future<int> future;
    CHECK_FALSE(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK(error_of([&] { future.result(); }) == "InvalidStateError('Result is not set.')");
    CHECK(error_of([&] { future.exception(); }) == "InvalidStateError('Exception is not set.')");
  });
}

TEST_CASE("a result can be asked for again and again") {
  testing::run([] {
    const Future<std::string> future;
    future.set_result("text");
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK(future.result() == "text");
    CHECK(future.result() == "text");
    CHECK(future.exception() == nullptr);
  });
}

TEST_CASE("what is done cannot be set again, nor cancelled") {
  testing::run([] {
    const Future<int> future;
    future.set_result(1);
    const std::string invalid = "InvalidStateError('invalid state')";
    CHECK(error_of([&] { future.set_result(2); }) == invalid);
    CHECK(error_of([&] { future.set_exception(ValueError()); }) == invalid);
    CHECK_FALSE(future.cancel());
    CHECK(future.result() == 1);
  });
}

TEST_CASE("an exception is thrown by result() and given by exception()") {
  testing::run([] {
    const Future<int> future;
    future.set_exception(ValueError("why"));
    CHECK(future.done());
    CHECK(error_of([&] { future.result(); }) == "ValueError('why')");
    CHECK(describe(future.exception()) == "ValueError('why')");
    CHECK_THROWS_AS(future.result(), ValueError);  // not only once
  });
}

TEST_CASE("a foreign exception goes through, also as a pointer") {
  testing::run([] {
    const Future<> future;
    future.set_exception(std::make_exception_ptr(std::out_of_range("far")));
    CHECK_THROWS_WITH_AS(future.result(), "far", std::out_of_range);
  });
}

TEST_CASE("a future cannot be given a StopIteration, nor no exception at all") {
  testing::run([] {
    const Future<> future;
    CHECK(error_of([&] { future.set_exception(StopIteration()); }) ==
          "TypeError('StopIteration interacts badly with generators and cannot be raised into a "
          "Future')");
    CHECK_THROWS_AS(future.set_exception(std::exception_ptr()), TypeError);
    CHECK_FALSE(future.done());
  });
}

TEST_CASE("a cancelled future throws CancelledError with the message, whatever it is asked") {
  testing::run([] {
    const Future<int> future;
    CHECK(future.cancel("enough"));
    CHECK(future.done());
    CHECK(future.cancelled());
    CHECK_FALSE(future.cancel("again"));
    CHECK(error_of([&] { future.result(); }) == "CancelledError('enough')");
    CHECK(error_of([&] { future.exception(); }) == "CancelledError('enough')");
    CHECK(error_of([&] { future.set_result(1); }) == "InvalidStateError('invalid state')");
  });
}

TEST_CASE("without a message a CancelledError has none") {
  testing::run([] {
    const Future<> future;
    future.cancel();
    CHECK(error_of([&] { future.result(); }) == "CancelledError()");
  });
}

TEST_CASE("an exception can be a CancelledError without the future being cancelled") {
  testing::run([] {
    const Future<> future;
    future.set_exception(CancelledError("as a value"));
    CHECK_FALSE(future.cancelled());
    CHECK(describe(future.exception()) == "CancelledError('as a value')");
  });
}

TEST_CASE("a future needs a loop, though not one that runs") {
  CHECK_THROWS_AS(Future<int>(), RuntimeError);
  EventLoop loop;
  const Future<int> future(loop);
  future.set_result(3);
  CHECK(future.result() == 3);
}

// ---- handles and results

TEST_CASE("copies of a handle mean one future") {
  testing::run([] {
    const Future<int> a;
    const Future<int> b = a;  // NOLINT: the copy is the point
    const Future<int> other;
    a.set_result(4);
    CHECK(b.result() == 4);
    CHECK(a == b);
    CHECK_FALSE(a == other);
  });
}

TEST_CASE("a result that can only be moved is there once") {
  testing::run([] {
    const Future<std::unique_ptr<int>> future;
    future.set_result(std::make_unique<int>(5));
    CHECK(*future.result() == 5);
    CHECK_THROWS_AS(future.result(), InvalidStateError);
  });
}

TEST_CASE("a future of an optional may hold nothing, which is a result") {
  testing::run([] {
    const Future<std::optional<int>> future;
    future.set_result(std::nullopt);
    CHECK(future.result() == std::nullopt);
  });
}

TEST_CASE("what has been awaited by its last handle is moved out, not copied") {
  struct Counting {
    int* copies;
    explicit Counting(int* c) : copies(c) {}
    Counting(const Counting& other) : copies(other.copies) { ++*copies; }
    Counting(Counting&& other) noexcept = default;
  };
  testing::run([] {
    int copies = 0;
    Future<Counting> future;
    future.set_result(Counting(&copies));
    (void)std::move(future).await();
    CHECK(copies == 0);
  });
}

// ---- callbacks

TEST_CASE("callbacks run in a later turn, in order, and are given the future") {
  testing::run([] {
    const Future<int> future;
    Log log;
    future.add_done_callback([&] { log("first"); });
    future.add_done_callback([&](const Future<int>& f) { log(std::to_string(f.result())); });
    future.set_result(7);
    CHECK(log.empty());
    settle();
    CHECK(log == Log{"first", "7"});
  });
}

TEST_CASE("a callback of a future that is done runs in the next turn") {
  testing::run([] {
    const Future<> future;
    future.set_result();
    Log log;
    future.add_done_callback([&] { log("called"); });
    CHECK(log.empty());
    yield_now();
    CHECK(log == Log{"called"});
  });
}

TEST_CASE("callbacks and waiting tasks go by the order in which they came") {
  testing::run([] {
    const Future<> future;
    Log log;
    future.add_done_callback([&] { log("callback 1"); });
    auto task = create_task([&] {
      future.await();
      log("task");
    });
    settle();
    future.add_done_callback([&] { log("callback 2"); });
    future.set_result();
    settle();
    CHECK(log == Log{"callback 1", "task", "callback 2"});
  });
}

TEST_CASE("a callback is taken back by its handle, before and after the future is done") {
  testing::run([] {
    const Future<> future;
    Log log;
    Handle before = future.add_done_callback([&] { log("before"); });
    Handle after = future.add_done_callback([&] { log("after"); });
    future.add_done_callback([&] { log("stays"); });
    before.cancel();
    future.set_result();
    after.cancel();
    settle();
    CHECK(log == Log{"stays"});
  });
}

TEST_CASE("remove_done_callback() takes back what is not on its way, and says so") {
  testing::run([] {
    const Future<> future;
    const Future<> other;
    Log log;
    const Handle first = future.add_done_callback([&] { log("first"); });
    const Handle second = future.add_done_callback([&] { log("second"); });
    CHECK_FALSE(other.remove_done_callback(first));
    CHECK_FALSE(future.remove_done_callback(Handle()));
    CHECK(future.remove_done_callback(first));
    CHECK_FALSE(future.remove_done_callback(first));
    future.set_result();
    CHECK_FALSE(future.remove_done_callback(second));
    settle();
    CHECK(log == Log{"second"});
  });
}

TEST_CASE("callbacks are called for cancellation and exceptions, too") {
  testing::run([] {
    const Future<> cancelled;
    const Future<> failed;
    Log log;
    cancelled.add_done_callback([&](const Future<>& f) { log(f.cancelled() ? "yes" : "no"); });
    failed.add_done_callback([&](const Future<>& f) { log(describe(f.exception())); });
    cancelled.cancel();
    failed.set_exception(ValueError());
    settle();
    CHECK(log == Log{"yes", "ValueError()"});
  });
}

TEST_CASE("an exception of a callback reaches the handler, and the next one is called") {
  testing::run([] {
    const Future<> future;
    Log log;
    Told told;
    future.add_done_callback([] { throw ValueError("callback"); });
    future.add_done_callback([&] { log("next"); });
    future.set_result();
    settle();
    CHECK(log == Log{"next"});
    CHECK(told.log == Log{"Exception in callback: ValueError('callback')"});
  });
}

TEST_CASE("a callback keeps the future alive once it is done, and not before") {
  testing::run([] {
    const auto held = std::make_shared<int>(1);
    Log log;
    {
      const Future<int> pending;
      pending.add_done_callback([held](const Future<int>&) {});
      const Future<int> done;
      done.add_done_callback([&](const Future<int>& f) { log(std::to_string(f.result())); });
      done.set_result(8);
    }
    CHECK(held.use_count() == 1);  // nobody can ever set it
    settle();
    CHECK(log == Log{"8"});
  });
}

// ---- exceptions nobody asks for

TEST_CASE("an exception that nobody has retrieved is told once, when the future goes") {
  testing::run([] {
    Told told;
    {
      const Future<> future;
      future.set_exception(ValueError("lost"));
      const Future<> copy = future;  // NOLINT
      CHECK(told.log.empty());
    }
    CHECK(told.log == Log{"Future exception was never retrieved: ValueError('lost')"});
  });
}

TEST_CASE("an exception that somebody has seen is not told of") {
  testing::run([] {
    Told told;
    for (int way = 0; way < 4; ++way) {
      const Future<> future;
      future.set_exception(ValueError());
      if (way == 0) future.exception();
      if (way == 1) CHECK_THROWS_AS(future.result(), ValueError);
      if (way == 2) CHECK_THROWS_AS(future.await(), ValueError);
      if (way == 3) {
        auto task = create_task([&] { future.await(); });
        settle();
        CHECK_THROWS_AS(task.result(), ValueError);
      }
    }
    CHECK(told.log.empty());
  });
}

TEST_CASE("a cancelled future is not told of") {
  testing::run([] {
    Told told;
    {
      Future<>().cancel();
    }
    CHECK(told.log.empty());
  });
}

TEST_CASE("a task that was cancelled when its future failed has seen the exception") {
  testing::run([] {
    Told told;
    {
      const Future<> future;
      auto task = create_task([&] { future.await(); });
      settle();
      future.set_exception(ValueError());
      task.cancel();
      settle();
      CHECK(task.cancelled());
    }
    CHECK(told.log.empty());  // as in CPython
  });
}

// ---- beyond the loop's end

TEST_CASE("a future may outlive its loop, and can still be asked and set") {
  std::optional<Future<int>> pending;
  std::optional<Future<int>> done;
  {
    EventLoop loop;
    pending.emplace(loop);
    done.emplace(loop);
    done->set_result(1);
  }
  CHECK(done->result() == 1);
  pending->set_result(2);
  CHECK(pending->result() == 2);
}

TEST_CASE("callbacks of a future that outlives its loop are let go") {
  const auto held = std::make_shared<int>(1);
  std::optional<Future<>> pending;
  {
    EventLoop loop;
    pending.emplace(loop);
    pending->add_done_callback([held] { FAIL("the loop is closed"); });
  }
  pending->set_result();
  CHECK(held.use_count() == 1);
  CHECK(error_of([&] { pending->add_done_callback([] {}); }) ==
        "RuntimeError('Event loop is closed')");
}

TEST_CASE("an exception that is lost when the loop has gone does no harm") {
  std::optional<Future<>> future;
  int told = 0;
  {
    EventLoop loop;
    loop.set_exception_handler([&](const ExceptionContext&) { ++told; });
    future.emplace(loop);
    future->set_exception(ValueError("printed to stderr"));
  }
  future.reset();
  CHECK(told == 0);  // the handler went with the loop
}

TEST_SUITE_END();
