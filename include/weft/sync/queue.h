// Items on their way from task to task. Layer: sync.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include <weft/base/errors.h>
#include <weft/sync/event.h>

namespace weft {

/// get_nowait() found nothing.
class QueueEmpty : public detail::Kind<QueueEmpty> {
 public:
  static constexpr const char* kName = "QueueEmpty";
  using Kind::Kind;
};

/// put_nowait() found no room.
class QueueFull : public detail::Kind<QueueFull> {
 public:
  static constexpr const char* kName = "QueueFull";
  using Kind::Kind;
};

/// The queue has been shut down.
class QueueShutDown : public detail::Kind<QueueShutDown> {
 public:
  static constexpr const char* kName = "QueueShutDown";
  using Kind::Kind;
};

namespace detail {

/// The untyped half of queues.
class QueueBase {
 public:
  explicit QueueBase(std::ptrdiff_t maxsize) noexcept;
  QueueBase(const QueueBase&) = delete;
  QueueBase& operator=(const QueueBase&) = delete;

  /// How many items are there. A get() that was woken has not taken its item yet.
  std::size_t qsize() const noexcept { return stored(); }
  bool empty() const noexcept { return stored() == 0; }

  /// True if it holds `maxsize` items; never if that is 0 or less.
  bool full() const noexcept { return maxsize_ > 0 && stored() >= std::size_t(maxsize_); }
  std::ptrdiff_t maxsize() const noexcept { return maxsize_; }

  /// Says that an item which was got has been dealt with, for join().
  ///
  /// Throws: ValueError if it is called more often than items were put.
  void task_done();

  /// Waits until task_done() was called for each item that was put.
  ///
  /// Suspends:  unless that is so.
  /// Cancelled: CancelledError. Throws: RuntimeError if it would suspend outside a task.
  void join();

  /// No item can be put from now on. What is in the queue can still be got, unless `immediate` is
  /// true: then it is dropped, and counts as done. Tasks that wait to put, or wait to get and would
  /// have to go on waiting, get a QueueShutDown.
  ///
  /// Source: asyncio.Queue (CPython 3.13)
  void shutdown(bool immediate = false);

 protected:
  /// Requires: no task waits, nor has yet to go on (checked in every build; the process is
  ///           aborted).
  virtual ~QueueBase();

  virtual std::size_t stored() const noexcept = 0;
  virtual void drop() = 0;  // one item

  void check_put() const;
  void check_get() const;
  void wait_for_room();
  void wait_for_item();
  void was_put() noexcept;
  void was_got() noexcept { putters_.wake_one(); }
  /// Whoever was woken made no use of it.
  void put_failed() noexcept;
  void get_failed() noexcept;

 private:
  const std::ptrdiff_t maxsize_;
  bool shut_down_ = false;
  std::size_t unfinished_ = 0;
  Event finished_;
  WaitQueue getters_;
  WaitQueue putters_;
};

}  // namespace detail

/// First in, first out. put() waits for room, get() for an item.
///
/// Tasks that wait are woken in their order, but hold nothing yet: who comes before they go on,
/// in a later turn, may be faster, and they wait again then.
///
/// Items are moved, and need not be copyable. Derived classes may choose another order.
///
/// Thread: the loop's. Source: asyncio.Queue
template <std::move_constructible T>
class Queue : public detail::QueueBase {
 public:
  /// Room for `maxsize` items; 0 or less: no limit.
  explicit Queue(std::ptrdiff_t maxsize = 0) : QueueBase(maxsize) {}

  /// Suspends:  while the queue is full.
  /// Cancelled: CancelledError; `item` is untouched.
  /// Throws:    QueueShutDown; RuntimeError if it would suspend outside a task.
  void put(T&& item) {
    wait_for_room();
    put_nowait(std::move(item));
  }
  void put(const T& item)
    requires std::copy_constructible<T>
  {
    put(T(item));
  }

  /// Throws: QueueFull, QueueShutDown; `item` is untouched then.
  void put_nowait(T&& item) {
    check_put();
    try {
      store(std::move(item));
    } catch (...) {
      put_failed();
      throw;
    }
    was_put();
  }
  void put_nowait(const T& item)
    requires std::copy_constructible<T>
  {
    put_nowait(T(item));
  }

  /// Suspends:  while the queue is empty.
  /// Cancelled: CancelledError; no item is taken.
  /// Throws:    QueueShutDown; RuntimeError if it would suspend outside a task.
  T get() {
    wait_for_item();
    return get_nowait();
  }

  /// Throws: QueueEmpty, QueueShutDown.
  T get_nowait() {
    check_get();
    try {
      T item = fetch();
      was_got();
      return item;
    } catch (...) {
      get_failed();
      throw;
    }
  }

 protected:
  // The order, for derived classes.
  std::size_t stored() const noexcept override { return items_.size(); }
  virtual void store(T&& item) { items_.push_back(std::move(item)); }
  /// The next item, which is there. If it throws, the item may be lost.
  virtual T fetch() {
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  void drop() final { fetch(); }

  std::deque<T> items_;
  template <std::move_constructible>
  friend class LifoQueue;
};

/// Last in, first out.
///
/// Source: asyncio.LifoQueue
template <std::move_constructible T>
class LifoQueue : public Queue<T> {
 public:
  using Queue<T>::Queue;

 protected:
  T fetch() override {
    T item = std::move(this->items_.back());
    this->items_.pop_back();
    return item;
  }
};

/// The least first, as `Compare` has it; equal ones first in, first out, which asyncio leaves open.
///
/// Source: asyncio.PriorityQueue
template <std::movable T, std::strict_weak_order<const T&, const T&> Compare = std::less<T>>
class PriorityQueue : public Queue<T> {
 public:
  explicit PriorityQueue(std::ptrdiff_t maxsize = 0, Compare compare = {})
      : Queue<T>(maxsize), later_{std::move(compare)} {}

 protected:
  std::size_t stored() const noexcept override { return heap_.size(); }
  void store(T&& item) override {
    heap_.push_back({std::move(item), ++arrivals_});
    std::ranges::push_heap(heap_, later_);
  }
  T fetch() override {
    std::ranges::pop_heap(heap_, later_);
    T item = std::move(heap_.back().item);
    heap_.pop_back();
    return item;
  }

 private:
  struct Entry {
    T item;
    std::uint64_t arrival;
  };
  struct Later {
    Compare compare;
    bool operator()(const Entry& a, const Entry& b) const {
      if (compare(b.item, a.item)) return true;
      return !compare(a.item, b.item) && b.arrival < a.arrival;
    }
  };

  std::uint64_t arrivals_ = 0;
  std::vector<Entry> heap_;
  Later later_;
};

}  // namespace weft
