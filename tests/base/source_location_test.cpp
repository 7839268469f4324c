#include <weft/base/source_location.h>

#include <string>

#include <doctest/doctest.h>

using weft::SourceLocation;

namespace {

SourceLocation where(SourceLocation here = SourceLocation::current()) { return here; }

}  // namespace

TEST_SUITE_BEGIN("SourceLocation");

TEST_CASE("as a default argument it names the line of the call") {
  const SourceLocation first = where();
  const SourceLocation second = where();
  CHECK(std::string(first.file) == __FILE__);
  CHECK(second.line == first.line + 1);
}

TEST_CASE("an empty one is not known") { CHECK(where({}).file == nullptr); }

TEST_SUITE_END();
