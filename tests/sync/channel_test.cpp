#include <weft/sync/channel.h>

#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <weft/task/task.h>
#include <weft/testing/run.h>

#include "../task/checks.h"
#include "tools.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::Log, testing::settle, testing::turns;

namespace {

std::string text(const std::optional<int>& value) {
  return value ? std::to_string(*value) : "none";
}

/// A task that receives once, and logs what, behind its name.
Task<> receiving(Channel<int>& channel, Log& log, const std::string& name) {
  return create_task([&channel, &log, name] { log(name + text(channel.receive())); });
}

/// A task that sends one value, and logs its name when that is done, or the error.
Task<> sending(Channel<int>& channel, Log& log, const std::string& name, int value) {
  return create_task([&channel, &log, name, value] {
    const std::string error = error_of([&] { channel.send(value); });
    log(error == "nothing" ? name : name + " " + error);
  });
}

static_assert(std::input_iterator<Channel<std::unique_ptr<int>>::Iterator>);

}  // namespace

TEST_SUITE_BEGIN("Channel");

TEST_CASE("at a rendezvous the sender waits until its value is received") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = sending(channel, log, "a", 1);
    settle();
    CHECK(log.empty());
    CHECK(channel.size() == 0);
    CHECK(turns([&] { CHECK(channel.receive() == 1); }) == 0);
    CHECK(log.empty());  // it goes on in a later turn
    settle();
    CHECK(log == Log{"a"});
  });
}

TEST_CASE("at a rendezvous a waiting receiver is given the value, and the sender need not wait") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = receiving(channel, log, "a");
    settle();
    CHECK(turns([&] { channel.send(1); }) == 0);
    CHECK_FALSE(channel.try_receive());  // it is a's, though a has yet to go on
    settle();
    CHECK(log == Log{"a1"});
  });
}

TEST_CASE("a waiting receiver is given the value, though there is room for it") {
  testing::run([] {
    Channel<int> channel(2);
    Log log;
    auto a = receiving(channel, log, "a");
    settle();
    channel.send(1);
    CHECK(channel.size() == 0);
    channel.send(2);
    CHECK(channel.size() == 1);
    settle();
    CHECK(log == Log{"a1"});
  });
}

TEST_CASE("senders and receivers are served in their order") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    for (int i = 1; i < 4; ++i) sending(channel, log, "s" + std::to_string(i), i);
    settle();
    for (int i = 1; i < 4; ++i) CHECK(channel.receive() == i);
    settle();
    CHECK(log == Log{"s1", "s2", "s3"});
    log.clear();
    for (const char* name : {"a", "b", "c"}) receiving(channel, log, name);
    settle();
    for (int i = 1; i < 4; ++i) channel.send(i);
    settle();
    CHECK(log == Log{"a1", "b2", "c3"});
  });
}

TEST_CASE("so many values as the capacity says are sent without a wait, and no task is needed") {
  Channel<int> channel(2);
  CHECK(channel.capacity() == 2);
  channel.send(1);
  channel.send(2);
  CHECK(channel.size() == 2);
  CHECK_FALSE(channel.try_send(3));
  CHECK(channel.receive() == 1);
  CHECK(channel.try_send(3));
  CHECK(channel.receive() == 2);
  CHECK(channel.receive() == 3);
}

TEST_CASE("the value of a waiting sender takes the place that becomes free, in its turn") {
  testing::run([] {
    Channel<int> channel(1);
    Log log;
    channel.send(1);
    auto a = sending(channel, log, "a", 2);
    auto b = sending(channel, log, "b", 3);
    settle();
    CHECK(channel.receive() == 1);
    CHECK(channel.size() == 1);
    CHECK_FALSE(channel.try_send(9));
    settle();
    CHECK(log == Log{"a"});
    CHECK(channel.receive() == 2);
    CHECK(channel.receive() == 3);
    settle();
    CHECK(log == Log{"a", "b"});
  });
}

TEST_CASE("the forms that never wait tell whether they have done it") {
  testing::run([] {
    Channel<std::unique_ptr<int>> channel;
    CHECK_FALSE(channel.try_receive());
    auto value = std::make_unique<int>(1);
    CHECK_FALSE(channel.try_send(std::move(value)));
    REQUIRE(value);  // untouched
    auto receiver = create_task([&] { return channel.receive(); });
    settle();
    CHECK(channel.try_send(std::move(value)));
    CHECK_FALSE(value);
    CHECK(**await(receiver) == 1);
    auto sender = create_task([&] { channel.send(std::make_unique<int>(2)); });
    settle();
    CHECK(**channel.try_receive() == 2);
    await(sender);
  });
}

TEST_CASE("values that can be copied are copied where they stand in a variable") {
  Channel<std::string> channel(2);
  const std::string value = "a long text that is not kept inside the object";
  channel.send(value);
  CHECK(channel.try_send(value));
  CHECK(value.size() > 40);
  CHECK(channel.receive() == value);
  CHECK(channel.receive() == value);
}

TEST_CASE("a loop over a channel receives until it is closed") {
  testing::run([] {
    Channel<std::unique_ptr<int>> channel;
    std::vector<int> seen;
    auto task = create_task([&] {
      for (std::unique_ptr<int>& value : channel) seen.push_back(*value);
    });
    for (int i = 0; i < 3; ++i) channel.send(std::make_unique<int>(i));
    channel.close();
    await(task);
    CHECK(seen == std::vector{0, 1, 2});
    for ([[maybe_unused]] auto& value : channel) FAIL("nothing comes any more");
  });
}

TEST_CASE("what was sent before close() is received, and then nothing") {
  Channel<int> channel(2);
  channel.send(1);
  CHECK_FALSE(channel.closed());
  channel.close();
  channel.close();
  CHECK(channel.closed());
  CHECK(channel.receive() == 1);
  CHECK_FALSE(channel.receive());
  CHECK_FALSE(channel.receive());
  CHECK_FALSE(channel.try_receive());
}

TEST_CASE("nothing is sent through a closed channel") {
  Channel<int> channel(1);
  channel.close();
  CHECK(error_of([&] { channel.send(1); }) == "ChannelClosed()");
  CHECK(error_of([&] { channel.try_send(1); }) == "ChannelClosed()");
  CHECK(channel.size() == 0);
}

TEST_CASE("close() ends the waits on both sides") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = receiving(channel, log, "a");
    auto b = receiving(channel, log, "b");
    settle();
    channel.close();
    settle();
    CHECK(log == Log{"anone", "bnone"});

    Channel<int> full;
    log.clear();
    auto c = sending(full, log, "c", 1);
    settle();
    full.close();
    CHECK_FALSE(full.try_receive());  // c's value was not sent
    settle();
    CHECK(log == Log{"c ChannelClosed()"});
  });
}

TEST_CASE("a value that was given before close() arrives") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = receiving(channel, log, "a");
    settle();
    channel.send(1);
    channel.close();
    settle();
    CHECK(log == Log{"a1"});
  });
}

TEST_CASE("a value whose receiver is cancelled goes to the next in line") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = receiving(channel, log, "a");
    auto b = receiving(channel, log, "b");
    settle();
    channel.send(1);
    a.cancel();
    settle();
    CHECK(a.cancelled());
    CHECK(log == Log{"b1"});
  });
}

TEST_CASE("a value whose receiver is cancelled is kept as the first, with nobody in line") {
  testing::run([] {
    for (const std::size_t capacity : {0u, 2u}) {
      Channel<int> channel(capacity);
      Log log;
      auto a = receiving(channel, log, "a");
      settle();
      channel.send(1);
      a.cancel();
      auto b = sending(channel, log, "b", 2);
      settle();
      CHECK(channel.size() == (capacity == 0 ? 1 : 2));
      CHECK(channel.receive() == 1);
      CHECK(channel.receive() == 2);
      settle();
      CHECK(log == Log{"b"});
    }
  });
}

TEST_CASE("a value that comes back goes before those that were sent after it") {
  testing::run([] {
    Channel<int> channel(2);
    const auto receiver = create_task([&] { channel.receive(); });
    settle();
    channel.send(1);
    channel.send(2);
    receiver.cancel();
    settle();
    CHECK(channel.receive() == 1);
    CHECK(channel.receive() == 2);
  });
}

TEST_CASE("at a rendezvous a value that has come back leaves no room to the next sender") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    const auto receiver = create_task([&] { channel.receive(); });
    settle();
    channel.send(1);
    receiver.cancel();
    settle();
    CHECK(channel.size() == 1);
    const auto sender = sending(channel, log, "sent", 2);
    settle();
    CHECK(channel.receive() == 1);
    settle();
    CHECK(log.empty());
    CHECK(channel.size() == 0);
    CHECK(channel.receive() == 2);
    settle();
    CHECK(log == Log{"sent"});
  });
}

TEST_CASE("a value whose receiver is cancelled can be received from a channel that was closed") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = receiving(channel, log, "a");
    settle();
    channel.send(1);
    channel.close();
    a.cancel();
    settle();
    CHECK(channel.receive() == 1);
    CHECK_FALSE(channel.receive());
  });
}

TEST_CASE("a receiver that is cancelled in line is given nothing") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = receiving(channel, log, "a");
    auto b = receiving(channel, log, "b");
    settle();
    a.cancel();
    channel.send(1);
    CHECK(turns_until_done(b) == 1);
    CHECK(log == Log{"b1"});
  });
}

TEST_CASE("a sender that is cancelled in line keeps its value") {
  testing::run([] {
    Channel<std::unique_ptr<int>> channel;
    auto value = std::make_unique<int>(1);
    auto a = create_task([&] { channel.send(std::move(value)); });
    settle();
    a.cancel();
    CHECK_FALSE(channel.try_receive());
    settle();
    CHECK(a.cancelled());
    REQUIRE(value);
    CHECK(*value == 1);
  });
}

TEST_CASE("a sender that is cancelled when its value has been taken is cancelled all the same") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = sending(channel, log, "a", 1);
    settle();
    CHECK(channel.receive() == 1);
    a.cancel("bye");
    settle();
    CHECK(log == Log{"a CancelledError('bye')"});
    CHECK_FALSE(channel.try_receive());
  });
}

TEST_CASE("a sender whose wait was ended by close() and by cancel() is cancelled") {
  testing::run([] {
    Channel<int> channel;
    Log log;
    auto a = sending(channel, log, "a", 1);
    settle();
    channel.close();
    a.cancel();
    settle();
    CHECK(log == Log{"a CancelledError()"});
  });
}

namespace {

/// A value that throws when it is moved, as `fail` says.
struct Fragile {
  int value = 0;
  static inline bool fail = false;

  explicit Fragile(int v) : value(v) {}
  Fragile(Fragile&& other) : value(other.value) {
    if (fail) throw ValueError("fragile");
  }
};

}  // namespace

TEST_CASE("a value that throws as it is handed over stays, and so does who waits for it") {
  testing::run([] {
    Channel<Fragile> channel;
    auto receiver = create_task([&] { return channel.receive()->value; });
    settle();
    Fragile::fail = true;
    CHECK(error_of([&] { channel.send(Fragile(1)); }) == "ValueError('fragile')");
    Fragile::fail = false;
    settle();
    CHECK_FALSE(receiver.done());
    channel.send(Fragile(2));
    CHECK(await(receiver) == 2);

    auto sender = create_task([&] { channel.send(Fragile(3)); });
    settle();
    Fragile::fail = true;
    CHECK(error_of([&] { channel.receive(); }) == "ValueError('fragile')");
    Fragile::fail = false;
    settle();
    CHECK_FALSE(sender.done());
    CHECK(channel.receive()->value == 3);
    await(sender);
  });
}

TEST_SUITE_END();
