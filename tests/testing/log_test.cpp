#include <weft/testing/log.h>

#include <sstream>

#include <doctest/doctest.h>

using weft::testing::Log;

TEST_SUITE_BEGIN("Log");

TEST_CASE("it keeps what it was told, in order") {
  Log log;
  CHECK(log.empty());
  log("a");
  log("b");
  CHECK(log == Log{"a", "b"});
  CHECK_FALSE(log == Log{"b", "a"});
  CHECK_FALSE(log == Log{"a"});
  log.clear();
  CHECK(log.empty());
}

TEST_CASE("it is printed so that entries can be told apart") {
  std::ostringstream out;
  out << Log{"a b", "c"};
  CHECK(out.str() == "[a b] [c] ");
}

TEST_SUITE_END();
