// Generators: lazy, sent to, delegating, interleaved, and what they return. No event loop anywhere.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <weft/coro/generator.h>

using weft::Generator;

Generator<int> lazy_range(int up_to) {
  return {[=](auto& self) {
    for (int i = 0; i < up_to; ++i) self.yield(i);
  }};
}

/// What is sent says how far to jump; next() sends nothing, and jumps by one.
Generator<int, std::optional<int>> jumping_range(int up_to) {
  return {[=](auto& self) {
    for (int i = 0; i < up_to;) i += self.yield(i).value_or(1);
  }};
}

// A value that is sent to `top` arrives in `bottom`, and what that returns comes all the way back.
Generator<int, int, int> bottom() {
  return {[](auto& self) { return self.yield(42); }};
}
Generator<int, int, int> middle() {
  return {[](auto& self) { return self.yield_from(bottom()); }};
}
Generator<int, int, int> top() {
  return {[](auto& self) { return self.yield_from(middle()); }};
}

Generator<int> down_and_up(int from) {
  return {[=](auto& self) {
    std::vector<int> down;
    for (int i = from; i > 0; --i) down.push_back(i);
    self.yield_from(down);
    self.yield_from(lazy_range(from));
  }};
}

Generator<std::string> numbered(std::string name) {
  return {[=](auto& self) {
    for (int i = 1;; ++i) self.yield(name + std::to_string(i));
  }};
}

/// Yields the items, and returns how many there were.
Generator<char, void, std::size_t> counted(std::string items) {
  return {[=](auto& self) {
    self.yield_from(items);
    return items.size();
  }};
}

void show(const char* title, Generator<int> numbers) {
  fmt::print("{}: ", title);
  const char* separator = "";
  for (int i : numbers) fmt::print("{}{}", std::exchange(separator, ", "), i);
  fmt::print("\n");
}

void drive_by_hand() {
  auto jumping = jumping_range(5);
  fmt::print("jumping_range: {}", jumping.next().value());
  fmt::print(", {}", jumping.send(2).value());
  fmt::print(", {}", jumping.next().value());
  fmt::print(", {}", jumping.send(-1).value());
  while (auto step = jumping.next()) fmt::print(", {}", step.value());
  fmt::print("\n");

  auto chain = top();
  fmt::print("top: yields {}", chain.next().value());
  fmt::print(", returns {}\n", chain.send(84).result());
}

int main() {
  show("lazy_range", lazy_range(5));
  drive_by_hand();
  show("down_and_up", down_and_up(5));

  auto a = numbered("a");
  auto b = numbered("b");
  fmt::print("interleaved:");
  for (auto* each : {&a, &b, &a, &b, &b, &a}) fmt::print(" {}", each->next().value());
  fmt::print("\n");

  auto letters = counted("xyz");
  try {
    for (;;) fmt::print("{} ", letters.next().value());
  } catch (const weft::StopIteration& stop) {
    fmt::print("and then StopIteration({})\n", *stop.value<std::size_t>());
  }
}
