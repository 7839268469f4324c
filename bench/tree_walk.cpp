// A tree of a million nodes is walked in order, by a generator that delegates to itself.
#include <memory>

#include <weft/weft.h>

#include "measure.h"

constexpr long kNodes = (1 << 20) - 1;
using Numbers = weft::Generator<long>;

struct Node {
  std::unique_ptr<Node> left, right;
  long value = 0;
};

std::unique_ptr<Node> tree(long first, long last) {
  if (first >= last) return nullptr;
  const long middle = (first + last) / 2;
  auto node = std::make_unique<Node>();
  node->left = tree(first, middle);
  node->right = tree(middle + 1, last);
  node->value = middle;
  return node;
}

[[gnu::noinline]] long give(Numbers::Self& self, long i) {
  self.yield(i);
  return i + 1;
}
[[gnu::noinline]] long produce(Numbers::Self& self, long i) { return give(self, i) + 1; }

Numbers walk(const Node& node) {
  return {[&node](Numbers::Self& self) {
    if (node.left) self.yield_from(walk(*node.left));
    require(produce(self, node.value) == node.value + 2);
    if (node.right) self.yield_from(walk(*node.right));
  }};
}

int main() {
  const auto root = tree(0, kNodes);
  long next = 0;
  const Stopwatch watch;
  for (const long i : walk(*root)) require(i == next++);
  watch.print(kNodes);
  require(next == kNodes);
}
