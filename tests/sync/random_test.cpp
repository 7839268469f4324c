// What holds whoever is cancelled when: many short histories, drawn from fixed seeds.
#include <random>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include <weft/sync/lock.h>
#include <weft/sync/queue.h>
#include <weft/sync/select.h>
#include <weft/sync/semaphore.h>
#include <weft/task/task.h>
#include <weft/testing/run.h>

using namespace weft;
using testing::settle;

namespace {

/// Tasks that do something some times, and are cancelled now and then.
class Crowd {
 public:
  explicit Crowd(unsigned seed) : random_(seed) {}

  unsigned draw(unsigned below) { return unsigned(random_() % below); }

  void add(int members, const std::function<void()>& round) {
    for (; members > 0; --members)
      tasks_.push_back(create_task([this, round] {
        for (int i = 0; i < 5; ++i) {
          for (unsigned n = draw(3); n > 0; --n) yield_now();
          round();
        }
      }));
  }

  /// Until those are left who wait for what will never come; returns whether there are any.
  bool stir() {
    for (int turn = 0; turn < 25; ++turn) {
      while (draw(4) == 0) tasks_[draw(unsigned(tasks_.size()))].cancel();
      yield_now();
    }
    settle();
    return std::any_of(tasks_.begin(), tasks_.end(),
                       [](const Task<>& task) { return !task.done(); });
  }

  void end() {
    for (const Task<>& task : tasks_) task.cancel();
    settle();
  }

 private:
  std::minstd_rand random_;
  std::vector<Task<>> tasks_;
};

/// `history` returns how much happened in it: it has to be something.
void histories(const std::function<std::size_t(Crowd&)>& history) {
  std::size_t happened = 0;
  constexpr unsigned kHistories = 200;
  for (unsigned seed = 1; seed <= kHistories; ++seed)
    testing::run([&] {
      CAPTURE(seed);
      Crowd crowd(seed);
      happened += history(crowd);
    });
  CHECK(happened > kHistories);
}

/// That each is there once, and nothing else.
void check_same(std::vector<int> some, std::vector<int> others) {
  std::sort(some.begin(), some.end());
  std::sort(others.begin(), others.end());
  CHECK(some == others);
}

}  // namespace

TEST_SUITE_BEGIN("whoever is cancelled when");

TEST_CASE("so many tasks at most hold a permit, and all are back in the end") {
  for (const int permits : {1, 2})
    histories([&](Crowd& crowd) {
      BoundedSemaphore semaphore(permits);
      Lock lock;
      std::size_t rounds = 0;
      int holders = 0;
      crowd.add(6, [&] {
        const std::scoped_lock permit(semaphore);
        struct Count {
          int& number;
          ~Count() { --number; }
        } const count{++holders};
        CHECK(holders <= permits);
        yield_now();
        const std::scoped_lock hold(lock);
        ++rounds;
        yield_now();
      });
      CHECK_FALSE(crowd.stir());  // nobody waits for ever
      for (int i = 0; i < permits; ++i) CHECK(semaphore.try_acquire());
      CHECK_FALSE(semaphore.try_acquire());
      CHECK(lock.try_lock());
      return rounds;
    });
}

TEST_CASE("what was put into a queue is got once, or is still there, and nobody waits for it") {
  histories([](Crowd& crowd) {
    std::vector<int> put;
    std::vector<int> got;
    Queue<int> queue(2);
    int next = 0;
    crowd.add(4, [&] {
      const int item = next++;
      queue.put(item);
      put.push_back(item);
    });
    crowd.add(4, [&] { got.push_back(queue.get()); });
    if (crowd.stir()) CHECK((queue.empty() || queue.full()));
    for (; !queue.empty(); settle()) got.push_back(queue.get_nowait());
    check_same(put, got);
    crowd.end();
    return got.size();
  });
}

TEST_CASE("what was sent through a channel is received once, or is still there") {
  using Value = std::unique_ptr<int>;
  for (const std::size_t capacity : {0U, 2U})
    histories([&](Crowd& crowd) {
      std::vector<int> sent;
      std::vector<int> received;
      Channel<Value> left(capacity);
      Channel<Value> right(capacity);
      int next = 0;
      const auto store = [&](std::optional<Value> value) { received.push_back(*value.value()); };
      const auto send = [&](Channel<Value>& channel) {
        const int number = next++;
        Value value = std::make_unique<int>(number);
        struct Note {
          std::vector<int>& sent;
          const Value& value;
          int number;
          ~Note() {
            if (!value) sent.push_back(number);  // also if the sender was cancelled since
          }
        } const note{sent, value, number};
        channel.send(std::move(value));
      };
      crowd.add(3, [&] { send(left); });
      crowd.add(3, [&] { send(right); });
      crowd.add(3, [&] { store(left.receive()); });
      crowd.add(3, [&] { select(on_receive(right, store), on_receive(left, store)); });
      crowd.stir();
      for (bool more = true; more; settle()) {  // for senders may send again
        more = false;
        for (Channel<Value>* channel : {&left, &right})
          while (std::optional<Value> value = channel->try_receive()) {
            store(std::move(value));
            more = true;
          }
      }
      check_same(sent, received);
      crowd.end();
      return received.size();
    });
}

TEST_SUITE_END();
