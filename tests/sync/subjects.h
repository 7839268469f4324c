// Everything in this layer that waits, in one form: what wait() does ends by a wake().
#pragma once

#include <mutex>

#include <weft/sync/barrier.h>
#include <weft/sync/condition.h>
#include <weft/sync/event.h>
#include <weft/sync/queue.h>
#include <weft/sync/select.h>
#include <weft/sync/semaphore.h>

// Each begins in a state in which wait() has to wait; again() brings it back to that.
// kKind is what reports call the wait; kTouches: a task that was woken uses the object.

struct EventWait {
  static constexpr const char* kKind = "Event.wait";
  static constexpr bool kTouches = false;
  weft::Event event{};
  void wait() { event.wait(); }
  void wake() { event.set(); }
  void again() { event.clear(); }
};

struct LockAcquire {
  static constexpr const char* kKind = "Lock.acquire";
  static constexpr bool kTouches = true;
  weft::Lock lock{};
  LockAcquire() { again(); }
  void wait() { const std::scoped_lock hold(lock); }
  void wake() { lock.release(); }
  void again() { lock.try_lock(); }
};

struct ConditionWait {
  static constexpr const char* kKind = "Condition.wait";
  static constexpr bool kTouches = true;
  weft::Condition condition{};
  void wait() {
    const std::scoped_lock hold(condition);
    condition.wait();
  }
  void wake() {
    const std::scoped_lock hold(condition);
    condition.notify();
  }
  void again() {}
};

struct ConditionWaitFor {
  static constexpr const char* kKind = "Condition.wait";
  static constexpr bool kTouches = true;
  weft::Condition condition{};
  bool open = false;
  void wait() {
    const std::scoped_lock hold(condition);
    condition.wait_for([&] { return open; });
  }
  void wake() {
    const std::scoped_lock hold(condition);
    open = true;
    condition.notify_all();
  }
  void again() { open = false; }
};

struct SemaphoreAcquire {
  static constexpr const char* kKind = "Semaphore.acquire";
  static constexpr bool kTouches = true;
  weft::Semaphore semaphore{0};
  void wait() { semaphore.acquire(); }
  void wake() { semaphore.release(); }
  void again() { semaphore.try_acquire(); }
};

struct BarrierWait {
  static constexpr const char* kKind = "Barrier.wait";
  static constexpr bool kTouches = true;
  weft::Barrier barrier{2};
  void wait() { barrier.wait(); }
  void wake() {
    if (barrier.n_waiting() == 1) barrier.wait();
  }
  void again() {}
};

struct QueueGet {
  static constexpr const char* kKind = "Queue.get";
  static constexpr bool kTouches = true;
  weft::Queue<int> queue{};
  void wait() { queue.get(); }
  void wake() { queue.put_nowait(1); }
  void again() {
    if (!queue.empty()) queue.get_nowait();
  }
};

struct QueuePut {
  static constexpr const char* kKind = "Queue.put";
  static constexpr bool kTouches = true;
  weft::Queue<int> queue{1};
  QueuePut() { again(); }
  void wait() { queue.put(2); }
  void wake() { queue.get_nowait(); }
  void again() {
    if (!queue.full()) queue.put_nowait(1);
  }
};

struct QueueJoin {
  static constexpr const char* kKind = "Event.wait";
  static constexpr bool kTouches = false;
  weft::Queue<int> queue{};
  bool done = true;
  QueueJoin() { again(); }
  void wait() { queue.join(); }
  void wake() {
    queue.task_done();
    done = true;
  }
  void again() {
    if (std::exchange(done, false)) queue.put_nowait(1);
  }
};

struct ChannelSend {
  static constexpr const char* kKind = "Channel.send";
  static constexpr bool kTouches = true;
  weft::Channel<int> channel{};
  void wait() { channel.send(1); }
  void wake() { channel.try_receive(); }
  void again() {}
};

struct ChannelReceive {
  static constexpr const char* kKind = "Channel.receive";
  static constexpr bool kTouches = true;
  weft::Channel<int> channel{};
  void wait() { channel.receive(); }
  void wake() { channel.try_send(1); }
  void again() { channel.try_receive(); }
};

struct SelectReceive {
  static constexpr const char* kKind = "select";
  static constexpr bool kTouches = true;
  weft::Channel<int> silent{};
  weft::Channel<int> channel{};
  void wait() {
    weft::select(weft::on_receive(silent, [](std::optional<int>) {}),
                 weft::on_receive(channel, [](std::optional<int>) {}));
  }
  void wake() { channel.try_send(1); }
  void again() { channel.try_receive(); }
};

struct SelectSend {
  static constexpr const char* kKind = "select";
  static constexpr bool kTouches = true;
  weft::Channel<int> silent{};
  weft::Channel<int> channel{};
  void wait() {
    weft::select(weft::on_send(channel, 1), weft::on_receive(silent, [](std::optional<int>) {}));
  }
  void wake() { channel.try_receive(); }
  void again() {}
};

#define ALL_WAITS                                                                         \
  EventWait, LockAcquire, ConditionWait, ConditionWaitFor, SemaphoreAcquire, BarrierWait, \
      QueueGet, QueuePut, QueueJoin, ChannelSend, ChannelReceive, SelectReceive, SelectSend
