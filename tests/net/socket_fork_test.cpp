// Sockets, seen from a forked child.
#include <functional>
#include <optional>
#include <string>

#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/net/socket.h>
#include <weft/task/task.h>

#include "../child.h"
#include "sockets.h"

using namespace weft;
using testing::settle;

TEST_SUITE_BEGIN("Socket in a forked child");

namespace {

std::string refused(const std::string& call) {
  return "RuntimeError('" + call +
         ": the descriptor is watched by an event loop of another process')";
}

/// Two connected sockets, of which the first has waited, so that the loop watches it.
struct Watched {
  std::pair<Socket, Socket> ends = Socket::pair();

  Watched() {
    const auto task = create_task([this] { return ends.first.recv(10); });
    settle();
    ends.second.send_all("first");
    CHECK(task.await() == "first");
  }
};

}  // namespace

TEST_CASE("one that the parent's loop watches is refused, and what has come stays the parent's") {
  testing::run([] {
    Watched it;
    it.ends.second.send_all("for the parent");
    CHECK(in_child([&] { return error_of([&] { it.ends.first.recv(10); }); }) == refused("recv"));
    CHECK(in_child([&] { return error_of([&] { it.ends.first.send_all("x"); }); }) ==
          refused("send"));
    CHECK(it.ends.first.recv(100) == "for the parent");
  });
}

TEST_CASE("closing it in the child leaves it with the parent, watched") {
  testing::run([] {
    Watched it;
    in_child([&] {
      it.ends.first.close();
      {
        const Socket gone = std::move(it.ends.second);
      }
      return "";
    });
    const auto task = create_task([&] { return it.ends.first.recv(10); });
    settle();
    CHECK_FALSE(task.done());
    it.ends.second.send_all("more");
    CHECK(task.await() == "more");
  });
}

TEST_CASE("one that a task waits on in the parent can go in the child") {
  testing::run([] {
    std::optional<Watched> it(std::in_place);
    const auto task = create_task([&] { return it->ends.first.recv(10); });
    settle();
    CHECK(in_child([&] {
            it.reset();
            return "gone";
          }) == "gone");
    it->ends.second.send_all("here");
    CHECK(task.await() == "here");
  });
}

TEST_CASE("a child has sockets of its own, and those that no loop watches") {
  testing::run([] {
    auto ends = Socket::pair();
    CHECK(in_child([&] {
            std::string got;
            weft::run([&] {
              const auto task = create_task([&] { return ends.first.recv(10); });
              yield_now();
              ends.second.send_all("own");
              got = task.await();
            });
            return got;
          }) == "own");
  });
}

TEST_SUITE_END();
