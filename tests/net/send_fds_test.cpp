#include <weft/net/send_fds.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <weft/io/pipe.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>

#include "../child.h"
#include "sockets.h"

using namespace std::chrono_literals;
using namespace weft;
using testing::settle;

namespace {

/// Both ends of a pipe of the system's.
struct Ends {
  FileDescriptor reader, writer;
  Ends() {
    std::array<int, 2> ends{};
    CHECK(::pipe(ends.data()) == 0);
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }
  std::array<int, 2> both() const { return {reader.get(), writer.get()}; }
};

/// Whether what is written to one comes out of the other.
bool connected(const FileDescriptor& reader, const FileDescriptor& writer) {
  char got = 0;
  return ::write(writer.get(), "!", 1) == 1 && ::read(reader.get(), &got, 1) == 1 && got == '!';
}

}  // namespace

TEST_SUITE_BEGIN("send_fds, recv_fds");

TEST_CASE_TEMPLATE("descriptors come with the bytes, as new ones of the same files", S, SELECTORS) {
  run_on<S>([] {
    for (const Kind kind : {Kind::Pair, Kind::UnixPath, Kind::Abstract}) {
      Connection both(kind);
      Ends pipe;
      CHECK(send_fds(both.client, "hello", pipe.both()) == 5);
      const ReceivedFds received = recv_fds(both.server, 100, 8);
      CHECK(received.data == "hello");
      CHECK_FALSE(received.truncated);
      REQUIRE(received.fds.size() == 2);
      CHECK(connected(received.fds[0], pipe.writer));
      CHECK(connected(pipe.reader, received.fds[1]));
      for (const FileDescriptor& fd : received.fds)
        CHECK((fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
  });
}

TEST_CASE("sockets can be passed on, and work with what they are adopted by") {
  testing::run([] {
    Connection both, passed(Kind::IPv4);
    const int fd = passed.server.fd();
    send_fds(both.client, "x", {&fd, 1});
    passed.server.close();
    ReceivedFds received = recv_fds(both.server, 1, 1);
    Socket socket = Socket::adopt(std::move(received.fds.at(0)));
    passed.client.send_all("still here");
    CHECK(socket.recv(99) == "still here");
  });
}

TEST_CASE("bytes without descriptors, and the end, come as they do to recv()") {
  testing::run([] {
    Connection both;
    CHECK(send_fds(both.client, "plain", {}) == 5);
    ReceivedFds received = recv_fds(both.server, 3, 1);
    CHECK(received.data == "pla");
    CHECK(received.fds.empty());
    CHECK(recv_fds(both.server, 3, 1).data == "in");
    both.client.close();
    received = recv_fds(both.server, 3, 1);
    CHECK(received.data.empty());
    CHECK_FALSE(received.truncated);
  });
}

TEST_CASE("if more come than are asked for, it says so, and none is left open") {
  run_on<Best>([] {
    Connection both;
    const Ends pipe;
    const std::size_t before = open_descriptors();
    for (const std::size_t most : {1U, 2U, 3U}) {
      const std::array<int, 4> four = {pipe.reader.get(), pipe.writer.get(), pipe.reader.get(),
                                       pipe.writer.get()};
      send_fds(both.client, "x", four);
      const ReceivedFds received = recv_fds(both.server, 1, most);
      CHECK(received.data == "x");
      CHECK(received.truncated);
      CHECK(received.fds.empty());
      CHECK(open_descriptors() == before);
    }
  });
}

TEST_CASE("descriptors that recv() finds are closed, and keep no bytes back") {
  run_on<Best>([] {
    Connection both;
    const Ends pipe;
    const auto reader = create_task([&] { return both.server.recv(9); });
    settle();
    both.client.send_all("warm");
    CHECK(reader.await() == "warm");
    const std::size_t before = open_descriptors();
    send_fds(both.client, "a", pipe.both());
    both.client.send_all("b");
    settle();
    CHECK(recv_exactly(both.server, 2) == "ab");
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("descriptors that nobody receives are closed with the socket") {
  run_on<Best>([] {
    const std::size_t before = open_descriptors();
    {
      Connection both;
      const Ends pipe;
      send_fds(both.client, "x", pipe.both());
    }
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a process without room for descriptors loses them, and not the bytes") {
  if (under_valgrind()) return;  // which counts descriptors in its own way
  const Ending ending = run_in_child([] {
    weft::run([] {
      Connection both;
      const Ends pipe;
      send_fds(both.client, "x", pipe.both());
      rlimit limit{};
      getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = rlim_t(pipe.writer.get()) + 2;  // one more
      setrlimit(RLIMIT_NOFILE, &limit);
      const ReceivedFds received = recv_fds(both.server, 1, 2);
      if (received.data != "x" || !received.truncated || !received.fds.empty()) _exit(1);
      const FileDescriptor free(::dup(0));
      if (!free) _exit(2);
    });
  });
  CHECK(ending.status == 0);
}

TEST_CASE("misuse is refused by name, and a closed descriptor is EBADF") {
  testing::run([] {
    Connection both;
    const std::vector<int> many(254, 0);
    CHECK(error_of([&] { send_fds(both.client, "", {}); }) ==
          "ValueError('data: it is empty, and descriptors travel with a byte')");
    CHECK(error_of([&] { send_fds(both.client, "x", many); }) ==
          "ValueError('fds: 254 are more than 253')");
    CHECK(error_of([&] { recv_fds(both.server, 0, 1); }) == "ValueError('at_most: it is 0')");
    CHECK(error_of([&] { recv_fds(both.server, 1, 0); }) == "ValueError('max_fds: it is 0')");
    CHECK(error_of([&] { recv_fds(both.server, 1, 254); }) ==
          "ValueError('max_fds: 254 are more than 253')");
    const int closed = -1;
    CHECK(errno_of([&] { send_fds(both.client, "x", {&closed, 1}); }) == EBADF);
    both.client.close();
    CHECK(errno_of([&] { send_fds(both.client, "x", {&closed, 1}); }) == EBADF);
    CHECK(errno_of([&] { recv_fds(both.client, 1, 1); }) == EBADF);
  });
}

// ---- waiting

TEST_CASE_TEMPLATE("recv_fds() waits, and loses nothing when it is cancelled", S, SELECTORS) {
  run_on<S>([] {
    Connection both;
    const Ends pipe;
    const auto receive = [&] { return recv_fds(both.server, 9, 9).fds.size(); };
    const auto first = create_task(receive);
    settle();
    CHECK_FALSE(first.done());
    CHECK(contains(error_of(receive), "RuntimeError('recv_fds: another task waits"));
    send_fds(both.client, "x", pipe.both());
    CHECK(first.await() == 2);
    CHECK_THROWS_AS(timeout(1s, receive), TimeoutError);
    const auto second = create_task(receive);
    settle();
    send_fds(both.client, "x", pipe.both());
    second.cancel();
    CHECK_THROWS_AS(second.await(), CancelledError);
    CHECK(receive() == 2);
  });
}

TEST_CASE_TEMPLATE("send_fds() waits for room, and sends nothing when it is cancelled", S,
                   SELECTORS) {
  run_on<S>([] {
    Connection both;
    const Ends pipe;
    fill(both.client);
    const auto first = create_task([&] { send_fds(both.client, "y", pipe.both()); });
    settle();
    CHECK_FALSE(first.done());
    first.cancel();
    CHECK_THROWS_AS(first.await(), CancelledError);
    const auto second = create_task([&] { send_fds(both.client, "z", pipe.both()); });
    settle();
    CHECK_FALSE(second.done());
    for (std::string got; got.empty() || got.back() == 'x';) {
      ReceivedFds received = recv_fds(both.server, 1 << 16, 9);
      got = std::move(received.data);
      CHECK(got.find('y') == got.npos);
      if (got.back() == 'z') CHECK(received.fds.size() == 2);
    }
    second.await();
  });
}

TEST_SUITE_END();
