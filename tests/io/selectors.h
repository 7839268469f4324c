// What the tests of io and net share: a loop on each selector, and looks at errors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/testing/run.h>

#include "../errors.h"

struct Best {
  static std::unique_ptr<weft::Selector> make() { return weft::make_selector(); }
};
struct Poll {
  static std::unique_ptr<weft::Selector> make() { return weft::make_poll_selector(); }
};

#define SELECTORS Best, Poll  // a third one is named here

inline std::size_t open_descriptors() {
  using Entries = std::filesystem::directory_iterator;
  return std::size_t(std::distance(Entries("/proc/self/fd"), Entries()));
}

/// testing::run() on a selector of the kind S; it leaves no descriptor open.
template <class S>
void run_on(const std::function<void()>& body, bool real_time = false) {
  const std::size_t before = open_descriptors();
  weft::testing::run({.real_time = real_time, .selector = S::make()}, body);
  CHECK(open_descriptors() == before);
}
