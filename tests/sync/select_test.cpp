#include <weft/sync/select.h>

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/testing/run.h>

#include "../task/checks.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

/// Two channels, and what a select() over both of them does.
struct Pair {
  Channel<int> left{};
  Channel<int> right{};
  Log log{};

  auto note(const char* name) {
    return [this, name](std::optional<int> value) {
      log(name + (value ? std::to_string(*value) : " none"));
    };
  }
  std::size_t receive() {
    return weft::select(on_receive(left, note("left")), on_receive(right, note("right")));
  }
  /// The number itself for the left, ten times as much for the right.
  std::size_t send(int value) {
    return weft::select(on_send(left, value, [this] { log("to left"); }),
                        on_send(right, value * 10, [this] { log("to right"); }));
  }
};

}  // namespace

TEST_SUITE_BEGIN("select");

TEST_CASE("a case that can go on is taken at once, the first of several") {
  Channel<int> left(1);
  Channel<int> right(1);
  Log log;
  const auto both = [&] {
    return select(on_receive(left, [&](auto value) { log("left" + std::to_string(*value)); }),
                  on_receive(right, [&](auto value) { log("right" + std::to_string(*value)); }));
  };
  right.send(1);
  CHECK(both() == 1);
  left.send(2);
  right.send(3);
  CHECK(both() == 0);
  CHECK(both() == 1);
  CHECK(log == Log{"right1", "left2", "right3"});
}

TEST_CASE("only what was chosen is done") {
  Channel<int> left(1);
  Channel<int> right(1);
  CHECK(select(on_send(left, 1), on_send(right, 2)) == 0);
  CHECK(left.size() == 1);
  CHECK(right.size() == 0);
}

TEST_CASE("otherwise() is done if no case can go on, and only then") {
  Channel<int> channel(1);
  Log log;
  const auto look = [&] {
    return select(on_receive(channel, [&](auto) { log("received"); }),
                  otherwise([&] { log("otherwise"); }));
  };
  CHECK(look() == 1);
  channel.send(1);
  CHECK(look() == 0);
  CHECK(log == Log{"otherwise", "received"});
  CHECK(select(on_send(channel, 1), otherwise()) == 0);
  CHECK(select(on_send(channel, 1), otherwise()) == 1);
}

TEST_CASE("it waits until a value comes from one of several channels") {
  testing::run([] {
    Pair pair;
    std::size_t chosen = 9;
    auto task = create_task([&] { return turns([&] { chosen = pair.receive(); }); });
    settle();
    pair.right.send(5);
    CHECK(await(task) == 1);
    CHECK(chosen == 1);
    CHECK(pair.log == Log{"right5"});
  });
}

TEST_CASE("it waits until one of several channels takes a value") {
  testing::run([] {
    Pair pair;
    auto task = create_task([&] { return pair.send(3); });
    settle();
    CHECK(pair.right.receive() == 30);
    CHECK(await(task) == 1);
    CHECK(pair.log == Log{"to right"});
    CHECK_FALSE(pair.left.try_receive());
  });
}

TEST_CASE("once a case is chosen, the others are not waited for, even before it goes on") {
  testing::run([] {
    Pair pair;
    auto task = create_task([&] { pair.receive(); });
    settle();
    pair.left.send(1);
    CHECK_FALSE(pair.right.try_send(2));
    CHECK_FALSE(pair.left.try_send(3));
    await(task);
    CHECK(pair.log == Log{"left1"});
    CHECK_FALSE(pair.right.try_send(4));  // it has left the other line
  });
}

TEST_CASE("it keeps its turn among those who wait for a channel") {
  testing::run([] {
    Pair pair;
    Log log;
    auto first = create_task([&] { log("first" + std::to_string(*pair.right.receive())); });
    auto second = create_task([&] { pair.receive(); });
    auto third = create_task([&] { log("third" + std::to_string(*pair.right.receive())); });
    settle();
    for (const int value : {1, 2, 3}) pair.right.send(value);
    settle();
    CHECK(log == Log{"first1", "third3"});
    CHECK(pair.log == Log{"right2"});
  });
}

TEST_CASE("those behind it are served when it was served elsewhere") {
  testing::run([] {
    Pair pair;
    auto task = create_task([&] { pair.receive(); });
    auto behind = create_task([&] { return pair.right.receive(); });
    settle();
    pair.left.send(1);
    pair.right.send(2);
    CHECK(await(behind) == 2);
    CHECK(task.done());
  });
}

TEST_CASE("two of them meet, and each has one case done") {
  testing::run([] {
    Pair pair;
    auto sender = create_task([&] { return pair.send(7); });
    settle();
    CHECK(pair.receive() == 0);
    CHECK(await(sender) == 0);
    CHECK(pair.log == Log{"left7", "to left"});
    auto receiver = create_task([&] { return pair.receive(); });
    settle();
    CHECK(pair.send(8) == 0);
    CHECK(await(receiver) == 0);
    CHECK(pair.log == Log{"left7", "to left", "to left", "left8"});
  });
}

TEST_CASE("a task does not meet itself") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    CHECK_THROWS_AS(timeout(1s,
                            [&] {
                              select(on_send(channel, 1),
                                     on_receive(channel, [&](auto) { log("received"); }));
                            }),
                    TimeoutError);
    CHECK(log.empty());
  });
}

TEST_CASE("a channel that is closed is received from at once, and gives nothing") {
  testing::run([] {
    Pair pair;
    pair.right.close();
    CHECK(pair.receive() == 1);
    CHECK(pair.log == Log{"right none"});
  });
}

TEST_CASE("a channel that is closed meanwhile ends the wait") {
  testing::run([] {
    Pair pair;
    auto receiver = create_task([&] { return pair.receive(); });
    settle();
    pair.right.close();
    CHECK(await(receiver) == 1);
    CHECK(pair.log == Log{"right none"});
  });
}

TEST_CASE("a case that sends to a closed channel is an error, before and while it waits") {
  testing::run([] {
    Pair pair;
    auto sender = create_task([&] { pair.send(1); });
    settle();
    pair.right.close();
    CHECK(error_of([&] { await(sender); }) == "ChannelClosed()");
    CHECK(error_of([&] { pair.send(1); }) == "ChannelClosed()");
    CHECK(pair.log.empty());
    CHECK_FALSE(pair.left.try_receive());
  });
}

TEST_CASE("a value that can only be moved is moved only if it is sent") {
  testing::run([] {
    Channel<std::unique_ptr<int>> channel;
    Channel<int> other(1);
    other.send(1);
    auto value = std::make_unique<int>(1);
    CHECK(select(on_send(channel, std::move(value)), on_receive(other, [](auto) {})) == 1);
    REQUIRE(value);
    auto receiver = create_task([&] { return **channel.receive(); });
    settle();
    CHECK(select(on_send(channel, std::move(value)), on_receive(other, [](auto) {})) == 0);
    CHECK_FALSE(value);
    CHECK(await(receiver) == 1);
  });
}

TEST_CASE("cancelled with a value on its way, it gives that back to the right channel") {
  testing::run([] {
    Pair pair;
    auto task = create_task([&] { pair.receive(); });
    settle();
    pair.right.send(1);
    task.cancel();
    settle();
    CHECK(task.cancelled());
    CHECK(pair.log.empty());
    CHECK_FALSE(pair.left.try_receive());
    CHECK(pair.right.receive() == 1);
  });
}

TEST_CASE("cancelled with a value on its way, it gives that to the next in line") {
  testing::run([] {
    Pair pair;
    auto task = create_task([&] { pair.receive(); });
    auto next = create_task([&] { return pair.right.receive(); });
    settle();
    pair.right.send(1);
    task.cancel();
    CHECK(await(next) == 1);
  });
}

TEST_CASE("cancelled, it has left every line") {
  testing::run([] {
    Pair pair;
    auto task = create_task([&] { pair.receive(); });
    settle();
    task.cancel();
    CHECK_FALSE(pair.left.try_send(1));
    CHECK_FALSE(pair.right.try_send(1));
    settle();
    CHECK(pair.log.empty());
  });
}

TEST_CASE("a limit ends it") {
  testing::run([] {
    Pair pair;
    CHECK_THROWS_AS(timeout(1s, [&] { pair.receive(); }), TimeoutError);
    CHECK_FALSE(pair.left.try_send(1));
    CHECK(now() == TimePoint(1s));
  });
}

TEST_CASE("what the function of a case throws comes out, and the case is done") {
  testing::run([] {
    Channel<int> channel(1);
    channel.send(1);
    CHECK(error_of([&] {
            select(on_receive(channel, [](auto) { throw ValueError("function"); }));
          }) == "ValueError('function')");
    CHECK(channel.size() == 0);
  });
}

TEST_SUITE_END();
