// Locks and queues as objects, and the statements about them.

#include <weft/sync/barrier.h>
#include <weft/sync/condition.h>
#include <weft/sync/event.h>
#include <weft/sync/lock.h>
#include <weft/sync/queue.h>
#include <weft/sync/semaphore.h>

#include "futures.h"

namespace conformance {

namespace {

/// What `acquire`, `release`, `locked` and `awithvar` are for.
class LockLike : public Object {
 public:
  virtual void acquire() = 0;
  virtual void release() = 0;
  virtual bool locked() const = 0;

  Value aenter() override {
    acquire();
    return {};
  }
  bool aexit(std::exception_ptr) override {
    release();
    return false;
  }
};

template <class T>
class LockObject : public LockLike {
 public:
  template <class... Args>
  explicit LockObject(Args&&... args) : object(std::forward<Args>(args)...) {}
  void acquire() override { object.acquire(); }
  void release() override { object.release(); }
  bool locked() const override { return object.locked(); }

  T object;
};

using MutexObject = LockObject<weft::Lock>;

struct ConditionObject final : LockObject<weft::Condition> {
  ConditionObject() = default;
  explicit ConditionObject(const std::shared_ptr<MutexObject>& its)
      : LockObject(its->object), lock(its) {}
  const std::shared_ptr<MutexObject> lock;
};

struct EventObject final : Object {
  weft::Event event;
};

struct BarrierObject final : Object {
  explicit BarrierObject(long parties) : barrier(parties) {}
  Value aenter() override { return static_cast<long>(barrier.wait()); }
  bool aexit(std::exception_ptr) override { return false; }
  weft::Barrier barrier;
};

class QueueObject : public Object {
 public:
  virtual weft::Queue<Value>& queue() = 0;
};

template <class Q>
class QueueOf final : public QueueObject {
 public:
  explicit QueueOf(long room) : queue_(room) {}
  weft::Queue<Value>& queue() override { return queue_; }

 private:
  Q queue_;
};

// ---- making them

template <class Make>
Flow making(const Statement& statement, Scope& scope, Make make) {
  return traced(statement, scope, [&] {
    scope.world.variables.bind(statement.arguments.at(0), make());
    return "ok";
  });
}

template <class T>
Flow make(const Statement& statement, Scope& scope) {
  return making(statement, scope, [] { return std::make_shared<T>(); });
}

template <class T>
Flow make_of_number(const Statement& statement, Scope& scope) {
  return making(statement, scope,
                [&] { return std::make_shared<T>(std::stol(statement.arguments.at(1))); });
}

Flow condition(const Statement& statement, Scope& scope) {
  if (statement.arguments.size() < 2) return make<ConditionObject>(statement, scope);
  const Ref* lock = scope.read(statement.arguments[1]);
  if (!lock) return {};
  return making(statement, scope,
                [&] { return std::make_shared<ConditionObject>(as<MutexObject>(*lock)); });
}

// ---- using them

/// What does not wait: `kAsk(object, statement)` gives what is traced, and its errors are too.
template <class T, auto kAsk>
Flow asking(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope,
                [&]() -> std::string { return kAsk(*as<T>(*object), statement); });
}

/// What may wait.
template <class T, auto kWait>
Flow waiting(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  const std::shared_ptr<T> held = as<T>(*object);
  scope.trace(statement, kWait(*held, statement, scope));
  return {};
}

std::string acquire(LockLike& it, const Statement&, Scope&) {
  it.acquire();
  return "True";
}
std::string release(LockLike& it, const Statement&) {
  it.release();
  return "ok";
}
std::string locked(LockLike& it, const Statement&) { return text(it.locked()); }

std::string set(EventObject& it, const Statement&) {
  it.event.set();
  return "ok";
}
std::string clear(EventObject& it, const Statement&) {
  it.event.clear();
  return "ok";
}
std::string is_set(EventObject& it, const Statement&) { return text(it.event.is_set()); }
std::string wait_event(EventObject& it, const Statement&, Scope&) {
  it.event.wait();
  return "True";
}

std::string notify(ConditionObject& it, const Statement& statement) {
  it.object.notify(static_cast<std::size_t>(std::stol(statement.arguments.at(1))));
  return "ok";
}
std::string notify_all(ConditionObject& it, const Statement&) {
  it.object.notify_all();
  return "ok";
}
std::string wait_condition(ConditionObject& it, const Statement&, Scope&) {
  it.object.wait();
  return "True";
}
std::string wait_for_counter(ConditionObject& it, const Statement& statement, Scope& scope) {
  const long wanted = std::stol(statement.arguments.at(2));
  const long& counter = scope.world.counters[statement.arguments.at(1)];
  return text(it.object.wait_for([&] { return counter >= wanted; }));
}

std::string wait_barrier(BarrierObject& it, const Statement&, Scope&) {
  return std::to_string(it.barrier.wait());
}
std::string reset(BarrierObject& it, const Statement&, Scope&) {
  it.barrier.reset();
  return "None";
}
std::string abort(BarrierObject& it, const Statement&, Scope&) {
  it.barrier.abort();
  return "None";
}
std::string waiting_at(BarrierObject& it, const Statement&) {
  return std::to_string(it.barrier.n_waiting());
}
std::string broken(BarrierObject& it, const Statement&) { return text(it.barrier.broken()); }

std::string put(QueueObject& it, const Statement& statement, Scope&) {
  it.queue().put(read_value(statement.arguments.at(1)));
  return "None";
}
std::string get(QueueObject& it, const Statement&, Scope&) { return text(it.queue().get()); }
std::string join(QueueObject& it, const Statement&, Scope&) {
  it.queue().join();
  return "None";
}
std::string put_nowait(QueueObject& it, const Statement& statement) {
  it.queue().put_nowait(read_value(statement.arguments.at(1)));
  return "ok";
}
std::string get_nowait(QueueObject& it, const Statement&) { return text(it.queue().get_nowait()); }
std::string size(QueueObject& it, const Statement&) { return std::to_string(it.queue().qsize()); }
std::string empty(QueueObject& it, const Statement&) { return text(it.queue().empty()); }
std::string full(QueueObject& it, const Statement&) { return text(it.queue().full()); }
std::string task_done(QueueObject& it, const Statement&) {
  it.queue().task_done();
  return "ok";
}

}  // namespace

void add_sync(Table& table) {
  table.insert({{"lock", make<MutexObject>},
                {"event", make<EventObject>},
                {"cond", condition},
                {"sem", make_of_number<LockObject<weft::Semaphore>>},
                {"bsem", make_of_number<LockObject<weft::BoundedSemaphore>>},
                {"barrier", make_of_number<BarrierObject>},
                {"queue", make_of_number<QueueOf<weft::Queue<Value>>>},
                {"lifo", make_of_number<QueueOf<weft::LifoQueue<Value>>>},
                {"prio", make_of_number<QueueOf<weft::PriorityQueue<Value>>>},
                {"acquire", waiting<LockLike, acquire>},
                {"release", asking<LockLike, release>},
                {"locked", asking<LockLike, locked>},
                {"evset", asking<EventObject, set>},
                {"evclear", asking<EventObject, clear>},
                {"evisset", asking<EventObject, is_set>},
                {"evwait", waiting<EventObject, wait_event>},
                {"notify", asking<ConditionObject, notify>},
                {"notifyall", asking<ConditionObject, notify_all>},
                {"cwait", waiting<ConditionObject, wait_condition>},
                {"cwaitfor", waiting<ConditionObject, wait_for_counter>},
                {"bwait", waiting<BarrierObject, wait_barrier>},
                {"breset", waiting<BarrierObject, reset>},
                {"babort", waiting<BarrierObject, abort>},
                {"bwaiting", asking<BarrierObject, waiting_at>},
                {"bbroken", asking<BarrierObject, broken>},
                {"qput", waiting<QueueObject, put>},
                {"qget", waiting<QueueObject, get>},
                {"qjoin", waiting<QueueObject, join>},
                {"qputnw", asking<QueueObject, put_nowait>},
                {"qgetnw", asking<QueueObject, get_nowait>},
                {"qsize", asking<QueueObject, size>},
                {"qempty", asking<QueueObject, empty>},
                {"qfull", asking<QueueObject, full>},
                {"qdone", asking<QueueObject, task_done>}});
}

}  // namespace conformance
