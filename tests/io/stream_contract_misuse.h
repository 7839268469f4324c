// The rest of stream_contract.h: writes that are cancelled, many pieces, and calls that are
// refused.
#pragma once

TEST_CASE_TEMPLATE("a cancelled write has written nothing", K, STREAM_KINDS) {
  constexpr bool writes_behind = requires { K::kWritesBehind; };
  weft::testing::run([] {
    auto [a, b] = K::make();
    for (const bool woken : {false, true}) {
      INFO("woken ", woken);
      std::string sent = fill(*a);
      const auto writer = weft::create_task([&] { return a->write_some("XYZ"); });
      weft::testing::settle();
      std::string got;
      if (woken) got = read_exactly(*b, sent.size());
      writer.cancel();
      weft::testing::settle();
      if (!woken || !writes_behind) CHECK(writer.cancelled());
      if (!writer.cancelled()) sent += std::string_view("XYZ").substr(0, writer.result());
      got += read_exactly(*b, sent.size() - got.size());
      a->write_all("after");
      got += read_exactly(*b, 5);
      CHECK((got == sent + "after"));
    }
  });
}

TEST_CASE_TEMPLATE("many pieces, and empty ones, arrive as one", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    const std::string data = pattern(30'000);
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < data.size(); at += 100) {
      pieces.push_back(std::string_view(data).substr(at, 100));
      if (at % 300 == 0) pieces.emplace_back();
    }
    const auto writer = weft::create_task([&] { a->write_all(weft::Pieces(pieces)); });
    CHECK((read_exactly(*b, data.size()) == data));
    writer.await();
  });
}

TEST_CASE_TEMPLATE("one task reads and another one writes; a second of either is refused", K,
                   STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    const std::string sent = fill(*a);
    const auto reader = weft::create_task([&] { return read_some(*a); });
    const auto writer = weft::create_task([&] { a->write_all("end"); });
    weft::testing::settle();
    CHECK(contains(error_of([&] { read_some(*a); }), ": another task waits"));
    CHECK(contains(error_of([&] { a->write_some("x"); }), ": another task waits"));
    std::string_view piece = "x";
    CHECK(contains(error_of([&] { a->try_write({&piece, 1}); }), ": another task waits"));
    b->write_all("hello");
    CHECK(reader.await() == "hello");
    CHECK_FALSE(writer.done());
    CHECK((read_exactly(*b, sent.size() + 3) == sent + "end"));
    writer.await();
  });
}

TEST_CASE_TEMPLATE("a stream that is closed says so: EBADF, to those who wait as well", K,
                   STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    fill(*a);
    const auto reader = weft::create_task([&] { return errno_of([&] { read_some(*a); }); });
    const auto writer = weft::create_task([&] { return errno_of([&] { a->write_all("x"); }); });
    weft::testing::settle();
    a->close();
    CHECK(reader.await() == EBADF);
    CHECK(writer.await() == EBADF);
    CHECK(errno_of([&] { read_some(*a); }) == EBADF);
    CHECK(errno_of([&] { a->write_some("x"); }) == EBADF);
    CHECK(errno_of([&] { a->shutdown_write(); }) == EBADF);
    CHECK_NOTHROW(a->close());
  });
}

TEST_CASE_TEMPLATE("nothing is written at once, and to read nothing is refused", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    CHECK(a->write_some("") == 0);
    a->write_all(weft::Pieces());
    CHECK(error_of([&] { a->read_some(std::span<char>()); }) ==
          "ValueError('buffer: it is empty')");
  });
}

TEST_CASE_TEMPLATE("outside a task nothing can wait", K, STREAM_KINDS) {
  weft::testing::run([] {
    auto [a, b] = K::make();
    std::string error;
    weft::get_running_loop().call_soon([&] { error = error_of([&] { read_some(*a); }); });
    weft::testing::settle();
    CHECK(contains(error, "RuntimeError('"));
  });
}
