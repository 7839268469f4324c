// How the tests look at errors.
#pragma once

#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <weft/base/errors.h>

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
