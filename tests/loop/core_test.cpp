// The queues of a loop, against simple models.
#include <weft/loop/core.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace weft;
using detail::ReadyQueue, detail::Runnable, detail::Timer, detail::TimerHeap;

namespace {

void nothing(Runnable*) {}

struct Node : Runnable {
  explicit Node(int n) : Runnable(nothing), number(n) {}
  int number;
};

std::vector<int> drain(ReadyQueue& queue) {
  std::vector<int> numbers;
  while (!queue.empty()) numbers.push_back(static_cast<Node*>(queue.pop())->number);
  return numbers;
}

}  // namespace

TEST_SUITE_BEGIN("queues of a loop");

TEST_CASE("ReadyQueue is first in, first out") {
  Node a(1);
  Node b(2);
  Node c(3);
  ReadyQueue queue;
  CHECK(queue.empty());
  queue.push(a);
  queue.push(b);
  CHECK(queue.front() == &a);
  CHECK(queue.pop() == &a);
  queue.push(c);
  queue.push(a);
  CHECK(drain(queue) == std::vector<int>{2, 3, 1});
  queue.push(b);  // emptied, it starts anew
  CHECK(drain(queue) == std::vector<int>{2});
}

TEST_CASE("ReadyQueue::remove() works at each place, and the queue can be added to") {
  for (int removed = 0; removed < 3; ++removed) {
    Node nodes[]{Node(0), Node(1), Node(2)};
    Node extra(9);
    ReadyQueue queue;
    for (Node& node : nodes) queue.push(node);
    CHECK(queue.remove(nodes[removed]));
    CHECK_FALSE(queue.remove(nodes[removed]));
    queue.push(extra);
    std::vector<int> expected{0, 1, 2};
    expected.erase(expected.begin() + removed);
    expected.push_back(9);
    CHECK(drain(queue) == expected);
  }
}

TEST_CASE("ReadyQueue::remove() of the only one leaves a queue that works") {
  Node only(1);
  Node next(2);
  ReadyQueue queue;
  CHECK_FALSE(queue.remove(only));
  queue.push(only);
  CHECK(queue.remove(only));
  CHECK(queue.empty());
  queue.push(next);
  CHECK(drain(queue) == std::vector<int>{2});
}

TEST_CASE("TimerHeap gives deadlines in order, equal ones in the order of insertion") {
  std::mt19937 random(1);
  std::vector<std::unique_ptr<Timer>> timers;
  TimerHeap heap;
  for (int i = 0; i < 500; ++i) {
    timers.push_back(std::make_unique<Timer>(nothing));
    timers.back()->when = TimePoint(Duration(random() % 20));
    heap.insert(*timers.back());
  }
  Timer* before = nullptr;
  while (!heap.empty()) {
    Timer* first = heap.first();
    CHECK(heap.earliest() == first->when);
    heap.remove(*first);
    CHECK(first->index == Timer::kNotInHeap);
    if (before)
      CHECK((before->when < first->when ||
             (before->when == first->when && before->sequence < first->sequence)));
    before = first;
  }
}

namespace {

/// A heap, and a sorted list that says what it should hold.
class Modelled {
 public:
  explicit Modelled(unsigned seed) : random_(seed) {
    for (int i = 0; i < kTimers; ++i) timers_.push_back(std::make_unique<Timer>(nothing));
  }

  void insert_one() {
    Timer& timer = *timers_[random_() % kTimers];
    if (timer.index != Timer::kNotInHeap) return;
    timer.when = TimePoint(Duration(random_() % 10));
    heap_.insert(timer);
    const auto later = [&](const Timer* other) { return other->when > timer.when; };
    model_.insert(std::find_if(model_.begin(), model_.end(), later), &timer);
  }

  void remove_one() {
    if (model_.empty()) return;
    const auto it = model_.begin() + std::ptrdiff_t(random_() % model_.size());
    heap_.remove(**it);
    model_.erase(it);
  }

  bool chance(unsigned percent) { return random_() % 100 < percent; }

  bool agrees() const {
    if (heap_.size() != model_.size()) return false;
    return model_.empty() || heap_.first() == model_.front();
  }

 private:
  static constexpr int kTimers = 60;
  std::mt19937 random_;
  std::vector<std::unique_ptr<Timer>> timers_;
  TimerHeap heap_;
  std::vector<Timer*> model_;
};

}  // namespace

TEST_CASE("TimerHeap agrees with a sorted list over random insertions and removals") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Modelled heap(seed);
    bool agrees = true;
    for (int step = 0; step < 2000 && agrees; ++step) {
      if (heap.chance(step % 400 < 200 ? 70 : 30))  // it grows, then shrinks
        heap.insert_one();
      else
        heap.remove_one();
      agrees = heap.agrees();
    }
    CHECK(agrees);
  }
}

TEST_SUITE_END();
