// Statements that suspend. What they throw propagates.

#include <weft/coro/await.h>

#include "interpreter.h"

namespace conformance {

namespace {

Flow finish(const Statement& statement, Scope& scope, const Value& value) {
  scope.trace(statement, text(value));
  return {};
}

/// Yields one value from the coroutine and gives what is sent. To a loop, None is a bare yield.
struct Suspension {
  Value value;
  bool to_loop = false;
  Value await() const {
    if (!to_loop) return weft::trap<Value>(value);
    return value ? weft::trap<Value>(*value) : weft::trap<Value>(std::nullopt);
  }
};

/// In the await() of an object there is no `self`: what it yields goes out of the coroutine.
Flow yield(const Statement& statement, Scope& scope) {
  const Value value = read_value(statement.arguments.at(0));
  if (scope.async_self) return finish(statement, scope, scope.async_self->yield(value));
  if (scope.self) return finish(statement, scope, scope.self->yield(value));
  return finish(statement, scope, Suspension{value, scope.world.loop != nullptr}.await());
}

Value delegate_to_new(const std::string& name, Scope& scope) {
  World& world = scope.world;
  const Definition& definition = world.definition(name);
  if (definition.type != "gen") return world.make(name)->yield_from(*scope.self);
  Generator generator = world.make_generator(definition);
  return scope.self ? scope.self->yield_from(std::move(generator))
                    : weft::await(std::move(generator));
}

Flow from(const Statement& statement, Scope& scope) {
  return finish(statement, scope, delegate_to_new(statement.arguments.at(0), scope));
}

Flow from_variable(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return finish(statement, scope,
                scope.self ? (*object)->yield_from(*scope.self) : (*object)->await());
}

Value await_new(const std::string& name, World& world) {
  const Definition& definition = world.definition(name);
  if (definition.type == "coro") return weft::await(world.make_coroutine(definition));
  return world.make(name)->await();
}

Flow await(const Statement& statement, Scope& scope) {
  return finish(statement, scope, await_new(statement.arguments.at(0), scope.world));
}

Flow await_variable(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  scope.trace(statement, (*object)->await_text());
  return {};
}

Flow suspend(const Statement& statement, Scope& scope) {
  const Suspension suspension{read_value(statement.arguments.at(0)), scope.world.loop != nullptr};
  return finish(statement, scope, weft::await(suspension));
}

Flow simulated_sleep(const Statement& statement, Scope& scope) {
  const long delay = std::stol(statement.arguments.at(0));
  const Suspension suspension{scope.world.simulated_time + delay};
  return finish(statement, scope, weft::await(suspension));
}

}  // namespace

void add_waits(Table& table) {
  table.insert({{"yield", yield},
                {"from", from},
                {"fromvar", from_variable},
                {"await", await},
                {"awaitvar", await_variable},
                {"suspend", suspend},
                {"simsleep", simulated_sleep}});
}

}  // namespace conformance
