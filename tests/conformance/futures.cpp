// Statements about tasks and futures that do not wait.

#include "futures.h"

#include <chrono>

#include <weft/task/gather.h>

namespace conformance {

using weft::Task;

long FutureObject::remove_done_callback(const CallbackObject& callback) {
  long removed = 0;
  for (auto& [listener, handle] : callbacks_) {
    if (listener.get() == &callback && take_back(handle)) ++removed;
  }
  return removed;
}

std::optional<weft::Duration> read_delay(const std::string& token) {
  const Value value = read_value(token);
  if (!value) return std::nullopt;
  return std::chrono::seconds(*value);
}

std::optional<weft::TimePoint> read_time(const std::string& token) {
  const std::optional<weft::Duration> span = read_delay(token);
  if (!span) return std::nullopt;
  return weft::TimePoint(*span);
}

std::string text(weft::TimePoint when) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count());
}

std::string text(bool value) { return value ? "True" : "False"; }

weft::CancelMessage read_message(const Statement& statement, std::size_t at) {
  if (statement.arguments.size() <= at || statement.arguments[at] == "None") return {};
  return statement.arguments[at];
}

bool all_bound(const Statement& statement, std::size_t first, Scope& scope) {
  for (std::size_t at = first; at < statement.arguments.size(); ++at) {
    const std::string& name = statement.arguments[at];
    if (!name.starts_with('+') && !scope.read(name)) return false;
  }
  return true;
}

void bind_future(World& world, const std::string& name, const FutureRef& future) {
  world.kept.push_back(future);
  world.variables.bind(name, future);
}

void give_up(World& world, const Ref& object) {
  std::erase(world.kept, object);
  if (const auto* task = dynamic_cast<TaskObject*>(object.get()))
    task->task.set_name(task->task.name() + " ");
}

bool is_given_up(const weft::AnyTask& task) { return task.name().ends_with(' '); }

namespace {

Flow spawn(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    World& world = scope.world;
    const std::string& name = statement.arguments.at(0);
    auto coroutine = world.make_coroutine(world.definition(statement.arguments.at(1)));
    bind_future(world, name,
                std::make_shared<TaskObject>(weft::create_task(
                    {.name = name, .loop = world.loop, .where = {}}, std::move(coroutine))));
    return "ok";
  });
}

Flow future(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    bind_future(scope.world, statement.arguments.at(0),
                std::make_shared<FutureOf<Value>>(weft::Future<Value>(*scope.world.loop),
                                                  [](const Value& value) { return text(value); }));
    return "ok";
  });
}

/// A statement that asks something of the object in its first argument.
template <class T, class Ask>
Flow asking(const Statement& statement, Scope& scope, Ask ask) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&] { return ask(*as<T>(*object)); });
}

template <auto kAsk>
Flow of_future(const Statement& statement, Scope& scope) {
  return asking<FutureObject>(statement, scope,
                              [&](FutureObject& it) -> std::string { return kAsk(it, statement); });
}

template <auto kAsk>
Flow of_task(const Statement& statement, Scope& scope) {
  return asking<TaskObject>(statement, scope,
                            [&](TaskObject& it) { return std::to_string(kAsk(it.task)); });
}

std::string set_result(FutureObject& it, const Statement& statement) {
  it.set_result(read_value(statement.arguments.at(1)));
  return "ok";
}

std::string set_exception(FutureObject& it, const Statement& statement) {
  it.set_exception(make_error(statement.arguments, 1));
  return "ok";
}

std::string cancel(FutureObject& it, const Statement& statement) {
  return text(it.cancel(read_message(statement, 1)));
}

std::string done(FutureObject& it, const Statement&) { return text(it.done()); }
std::string cancelled(FutureObject& it, const Statement&) { return text(it.cancelled()); }
std::string result(FutureObject& it, const Statement&) { return it.result(); }
std::string exception(FutureObject& it, const Statement&) { return text(it.exception()); }
int cancelling(const Task<Value>& task) { return task.cancelling(); }
int uncancel(const Task<Value>& task) { return task.uncancel(); }

/// None in a callback, and outside the loop.
std::optional<weft::AnyTask> present_task() {
  try {
    return weft::current_task();
  } catch (const weft::RuntimeError&) {
    return std::nullopt;
  }
}

weft::AnyTask require_task() {
  const auto task = present_task();
  if (!task) throw weft::AttributeError();
  return *task;
}

Flow cancel_current(const Statement& statement, Scope& scope) {
  return traced(statement, scope,
                [&] { return text(require_task().cancel(read_message(statement, 0))); });
}

Flow cancelling_current(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] { return std::to_string(require_task().cancelling()); });
}

Flow uncancel_current(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] { return std::to_string(require_task().uncancel()); });
}

/// Names of variables have no hyphens, those that weft gives have.
Flow current(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&]() -> std::string {
    const auto task = present_task();
    if (!task) return "None";
    const std::string name = task->name();
    return name.find('-') == std::string::npos ? name.substr(0, name.find(' ')) : "?";
  });
}

Flow add_callback(const Statement& statement, Scope& scope) {
  if (!all_bound(statement, 0, scope)) return {};
  return asking<FutureObject>(statement, scope, [&](FutureObject& it) {
    it.add_done_callback(as<CallbackObject>(*scope.read(statement.arguments.at(1))));
    return "ok";
  });
}

Flow remove_callback(const Statement& statement, Scope& scope) {
  if (!all_bound(statement, 0, scope)) return {};
  return asking<FutureObject>(statement, scope, [&](FutureObject& it) {
    return std::to_string(
        it.remove_done_callback(*as<CallbackObject>(*scope.read(statement.arguments.at(1)))));
  });
}

Flow shield(const Statement& statement, Scope& scope) {
  if (!all_bound(statement, 1, scope)) return {};
  return traced(statement, scope, [&] {
    World& world = scope.world;
    const std::string& what = statement.arguments.at(1);
    FutureRef outer;
    if (what.starts_with('+'))
      outer = std::make_shared<FutureOf<Value>>(
          weft::shield(world.make_coroutine(world.definition(what.substr(1)))),
          [](const Value& value) { return text(value); });
    else
      outer = as<FutureObject>(*scope.read(what))->shield();
    bind_future(world, statement.arguments.at(0), outer);
    return "ok";
  });
}

std::string list(const std::vector<FutureRef>& children,
                 const std::function<std::exception_ptr(std::size_t)>& error_of) {
  std::string items;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const std::exception_ptr error = error_of(i);
    items += (i ? ", " : "") + (error ? text(error) : children[i]->result());
  }
  return "[" + items + "]";
}

/// What gather() is to wait for. Coroutines become tasks, in order, once all have been made.
std::vector<FutureRef> children_of(const Statement& statement, Scope& scope) {
  World& world = scope.world;
  std::vector<Coroutine> coroutines;
  std::vector<FutureRef> children;
  for (std::size_t at = 2; at < statement.arguments.size(); ++at) {
    const std::string& what = statement.arguments[at];
    if (what.starts_with('+'))
      coroutines.push_back(world.make_coroutine(world.definition(what.substr(1))));
    children.push_back(what.starts_with('+') ? nullptr : as<FutureObject>(*scope.read(what)));
  }
  auto next = coroutines.begin();
  for (FutureRef& child : children)
    if (!child)
      child = std::make_shared<TaskObject>(
          weft::create_task({.loop = world.loop, .where = {}}, std::move(*next++)));
  return children;
}

Flow gather(const Statement& statement, Scope& scope) {
  if (!all_bound(statement, 2, scope)) return {};
  return traced(statement, scope, [&] {
    const std::vector<FutureRef> children = children_of(statement, scope);
    std::vector<weft::AnyFuture> futures;
    for (const FutureRef& child : children) futures.push_back(child->any());
    FutureRef gathered;
    if (children.empty()) {
      const weft::Future<Value> none(*scope.world.loop);
      none.set_result(Value());
      gathered = std::make_shared<FutureOf<Value>>(none, [](const Value&) { return "[]"; });
    } else if (statement.arguments.at(1) == "1") {
      using Results = std::vector<weft::Outcome<>>;
      gathered = std::make_shared<FutureOf<Results>>(
          weft::gather_future(weft::return_exceptions, futures), [children](const Results& all) {
            return list(children, [&](std::size_t i) { return all[i].exception(); });
          });
    } else {
      gathered = std::make_shared<FutureOf<void>>(weft::gather_future(futures), [children] {
        return list(children, [](std::size_t) { return nullptr; });
      });
    }
    bind_future(scope.world, statement.arguments.at(0), gathered);
    return "ok";
  });
}

}  // namespace

void add_futures(Table& table) {
  table.insert({{"spawn", spawn},
                {"future", future},
                {"setresult", of_future<set_result>},
                {"setexc", of_future<set_exception>},
                {"cancel", of_future<cancel>},
                {"done", of_future<done>},
                {"cancelled", of_future<cancelled>},
                {"result", of_future<result>},
                {"exception", of_future<exception>},
                {"cancelling", of_task<cancelling>},
                {"uncancel", of_task<uncancel>},
                {"cancelcur", cancel_current},
                {"cancellingcur", cancelling_current},
                {"uncancelcur", uncancel_current},
                {"current", current},
                {"donecb", add_callback},
                {"undonecb", remove_callback},
                {"shield", shield},
                {"gather", gather}});
}

}  // namespace conformance
