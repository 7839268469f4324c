// What the tests of generators and coroutines share.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <weft/base/errors.h>
#include <weft/base/hooks.h>
#include <weft/context/stack.h>

#include "../child.h"
#include "../errors.h"

/// The fixture of all cases: at their end no stack is in use that was not before.
class Balanced {
 public:
  Balanced() = default;
  Balanced(const Balanced&) = delete;
  Balanced& operator=(const Balanced&) = delete;
  ~Balanced() { CHECK(weft::stack_statistics().in_use == in_use_before_); }

 private:
  std::size_t in_use_before_ = weft::stack_statistics().in_use;
};

/// Says goodbye in a log.
class Farewell {
 public:
  Farewell(std::string& log, const char* name) : log_(log), name_(name) {}
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
  ~Farewell() { (log_ += name_) += ' '; }

 private:
  std::string& log_;
  const char* name_;
};

/// Counts how many of its copies live.
class Counted {
 public:
  explicit Counted(int& living) : living_(&living) { ++*living_; }
  Counted(const Counted& other) : living_(other.living_) { ++*living_; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*living_; }

 private:
  int* living_;
};

/// While it lives, errors that nobody can be given are put here.
class Unraisable {
 public:
  Unraisable()
      : before_(weft::set_unraisable_hook([this](std::exception_ptr error, std::string_view) {
          seen.push_back(weft::describe(error));
        })) {}
  Unraisable(const Unraisable&) = delete;
  Unraisable& operator=(const Unraisable&) = delete;
  ~Unraisable() { weft::set_unraisable_hook(std::move(before_)); }

  std::vector<std::string> seen;

 private:
  weft::UnraisableHook before_;
};

/// What a generator still has to give.
template <class G>
auto rest_of(G&& generator) {
  std::vector<typename std::remove_cvref_t<G>::Iterator::value_type> items;
  for (auto&& item : generator) items.push_back(item);
  return items;
}

/// Large numbers are smaller where each switch costs a hundred times as much.
inline const int kScale = under_valgrind() ? 500 : under_checker() ? 50 : 1;
