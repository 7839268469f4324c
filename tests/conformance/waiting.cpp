// Statements about waiting for several, for a time, and in scopes.

#include <algorithm>
#include <set>

#include <weft/task/sleep.h>
#include <weft/task/task_group.h>
#include <weft/task/timeout.h>
#include <weft/task/wait.h>

#include "futures.h"

namespace conformance {

namespace {

Flow finish(const Statement& statement, Scope& scope, const std::string& value) {
  scope.trace(statement, value);
  return {};
}

/// asyncio takes a negative delay for 0, as weft does a time that is past.
void sleep_for(weft::Duration delay) {
  if (delay < weft::Duration::zero()) return weft::sleep_until(weft::now() + delay);
  weft::sleep(delay);
}

Flow sleep(const Statement& statement, Scope& scope) {
  sleep_for(*read_delay(statement.arguments.at(0)));
  return finish(statement, scope, "None");
}

Flow sleep_for_value(const Statement& statement, Scope& scope) {
  sleep_for(*read_delay(statement.arguments.at(0)));
  return finish(statement, scope, text(read_value(statement.arguments.at(1))));
}

Flow wait_for(const Statement& statement, Scope& scope) {
  if (!all_bound(statement, 1, scope)) return {};
  const auto limit = read_delay(statement.arguments.at(0));
  const std::string& what = statement.arguments.at(1);
  World& world = scope.world;
  if (what.starts_with('+'))
    return finish(
        statement, scope,
        text(weft::wait_for(world.make_coroutine(world.definition(what.substr(1))), limit)));
  const Ref object = *scope.read(what);
  if (const auto future = std::dynamic_pointer_cast<FutureObject>(object))
    return finish(statement, scope, future->wait_for(limit));
  return finish(statement, scope, weft::wait_for([object] { return object->await_text(); }, limit));
}

/// The variables from argument `first` on, as futures.
std::vector<FutureRef> futures_from(const Statement& statement, std::size_t first, Scope& scope) {
  std::vector<FutureRef> futures;
  for (std::size_t at = first; at < statement.arguments.size(); ++at)
    futures.push_back(as<FutureObject>(*scope.read(statement.arguments[at])));
  return futures;
}

std::vector<weft::AnyFuture> handles_of(const std::vector<FutureRef>& futures) {
  std::vector<weft::AnyFuture> handles;
  for (const FutureRef& future : futures) handles.push_back(future->any());
  return handles;
}

/// "[a, b]": the names of the variables that hold one of `futures`, sorted.
std::string names_of(const std::vector<weft::AnyFuture>& futures, const Statement& statement,
                     Scope& scope) {
  std::set<std::string> names;
  for (std::size_t at = 2; at < statement.arguments.size(); ++at) {
    const Ref* object = scope.world.variables.find(statement.arguments[at]);
    const auto future = object ? std::dynamic_pointer_cast<FutureObject>(*object) : nullptr;
    if (future && std::find(futures.begin(), futures.end(), future->any()) != futures.end())
      names.insert(statement.arguments[at]);
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return "[" + list + "]";
}

Flow wait(const Statement& statement, Scope& scope) {
  static const std::map<std::string, weft::ReturnWhen> modes{
      {"all", weft::ReturnWhen::AllCompleted},
      {"first", weft::ReturnWhen::FirstCompleted},
      {"exc", weft::ReturnWhen::FirstException}};
  if (!all_bound(statement, 2, scope)) return {};
  const auto waited =
      weft::wait(handles_of(futures_from(statement, 2, scope)), modes.at(statement.arguments.at(0)),
                 read_delay(statement.arguments.at(1)));
  return finish(statement, scope,
                "done " + names_of(waited.done, statement, scope) + " pending " +
                    names_of(waited.pending, statement, scope));
}

std::string result_of(const weft::AnyFuture& handle, const std::vector<FutureRef>& futures) {
  for (const FutureRef& future : futures)
    if (future->any() == handle) return future->result();
  return "?";
}

Flow as_completed(const Statement& statement, Scope& scope) {
  if (!all_bound(statement, 1, scope)) return {};
  const std::vector<FutureRef> futures = futures_from(statement, 1, scope);
  auto completed = weft::as_completed(handles_of(futures), read_delay(statement.arguments.at(0)));
  while (completed.left() > 0) {
    std::string item;
    try {
      item = result_of(completed.next(), futures);
    } catch (const weft::Exception&) {
      item = "raise " + text(std::current_exception());
    }
    scope.log("item " + item);
  }
  return finish(statement, scope, "None");
}

struct TimeoutObject final : Object {
  explicit TimeoutObject(std::optional<weft::TimePoint> when) : limit(when) {}
  Value aenter() override {
    limit.enter();
    return {};
  }
  bool aexit(std::exception_ptr error) override {
    limit.leave(std::move(error));
    return false;
  }
  weft::Timeout limit;
};

Flow under(const Statement& statement, Scope& scope, std::optional<weft::TimePoint> when) {
  const auto scoped = std::make_shared<TimeoutObject>(when);
  scope.world.variables.bind(statement.arguments.at(0), scoped);
  return weft::timeout(scoped->limit, [&] { return run(statement.body, scope); });
}

Flow timeout(const Statement& statement, Scope& scope) {
  std::optional<weft::TimePoint> when;
  if (const auto delay = read_delay(statement.arguments.at(1))) when = weft::now() + *delay;
  return under(statement, scope, when);
}

Flow timeout_at(const Statement& statement, Scope& scope) {
  return under(statement, scope, read_time(statement.arguments.at(1)));
}

template <class T, class Ask>
Flow asking(const Statement& statement, Scope& scope, Ask ask) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&]() -> std::string { return ask(*as<T>(*object)); });
}

Flow reschedule(const Statement& statement, Scope& scope) {
  return asking<TimeoutObject>(statement, scope, [&](TimeoutObject& it) {
    it.limit.reschedule(read_time(statement.arguments.at(1)));
    return "ok";
  });
}

Flow reschedule_by(const Statement& statement, Scope& scope) {
  return asking<TimeoutObject>(statement, scope, [&](TimeoutObject& it) {
    it.limit.reschedule(scope.world.loop->time() + *read_delay(statement.arguments.at(1)));
    return "ok";
  });
}

Flow timeout_when(const Statement& statement, Scope& scope) {
  return asking<TimeoutObject>(statement, scope, [](const TimeoutObject& it) {
    const auto when = it.limit.when();
    return when ? text(*when) : "None";
  });
}

Flow timeout_expired(const Statement& statement, Scope& scope) {
  return asking<TimeoutObject>(statement, scope,
                               [](const TimeoutObject& it) { return text(it.limit.expired()); });
}

struct GroupObject final : Object {
  Value aenter() override {
    group.enter();
    return {};
  }
  bool aexit(std::exception_ptr error) override {
    group.leave(std::move(error));
    return false;
  }
  weft::TaskGroup group;
};

Flow group(const Statement& statement, Scope& scope) {
  const auto scoped = std::make_shared<GroupObject>();
  scope.world.variables.bind(statement.arguments.at(0), scoped);
  return weft::task_group(scoped->group, [&] { return run(statement.body, scope); })
      .value_or(Flow());
}

Flow group_spawn(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&] {
    const auto scoped = as<GroupObject>(*object);
    World& world = scope.world;
    const std::string& name = statement.arguments.at(1);
    Coroutine coroutine = world.make_coroutine(world.definition(statement.arguments.at(2)));
    try {
      bind_future(world, name,
                  std::make_shared<TaskObject>(scoped->group.create_task(
                      {.name = name, .where = {}}, std::move(coroutine))));
    } catch (...) {
      coroutine.close();
      throw;
    }
    return "ok";
  });
}

}  // namespace

void add_waiting(Table& table) {
  table.insert({{"sleep", sleep},
                {"sleepv", sleep_for_value},
                {"waitfor", wait_for},
                {"wait", wait},
                {"ascompleted", as_completed},
                {"timeout", timeout},
                {"timeoutat", timeout_at},
                {"reschedule", reschedule},
                {"rescheduleby", reschedule_by},
                {"twhen", timeout_when},
                {"texpired", timeout_expired},
                {"group", group},
                {"gspawn", group_spawn}});
}

}  // namespace conformance
