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

/// What `f()` throws, as Python would write it; "nothing" if it does not throw.
template <class F>
std::string error_of(F&& f) {
  try {
    std::forward<F>(f)();
  } catch (...) {
    return weft::describe(std::current_exception());
  }
  return "nothing";
}

/// The number of the system's error that `f()` throws; 0 if it throws none.
template <class F>
int errno_of(F&& f) {
  try {
    std::forward<F>(f)();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}
