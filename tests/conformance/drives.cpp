// Statements that make, drive and ask objects. None of them suspends.

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>

#include "futures.h"

namespace conformance {

namespace {

enum class Verb { Next, Send, Throw, Close };

/// One step of the object, and what came of it. The object is released when this returns.
std::string drive(Verb verb, const Ref& variable, const Statement& statement) {
  const Ref object = variable;
  switch (verb) {
    case Verb::Next:
      return "yield " + text(object->next());
    case Verb::Send:
      return "yield " + text(object->send(read_value(statement.arguments.at(1))));
    case Verb::Throw:
      return "yield " + text(object->throw_(make_error(statement.arguments, 1)));
    case Verb::Close:
      object->close();
      break;
  }
  return "ok";
}

std::string stopped(const weft::StopIteration& stop) {
  const Value* value = stop.value<Value>();
  return "return " + text(value ? *value : Value());
}

/// next, send, throw and close: errors are traced and go no further.
template <Verb verb>
Flow step(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&]() -> std::string {
    if (verb == Verb::Close) return drive(verb, *object, statement);
    try {
      return drive(verb, *object, statement);
    } catch (const weft::StopIteration& stop) {
      return stopped(stop);
    }
  });
}

/// xnext, xsend, xthrow and xclose: errors propagate.
template <Verb verb>
Flow raising_step(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  const std::string outcome = drive(verb, *object, statement);
  scope.trace(statement, outcome);
  return {};
}

Flow new_(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    scope.world.variables.bind(statement.arguments.at(0),
                               scope.world.make(statement.arguments.at(1)));
    return "ok";
  });
}

Flow drop(const Statement& statement, Scope& scope) {
  const std::string& name = statement.arguments.at(0);
  if (!scope.read(name)) return {};
  scope.log(statement.text);
  if (scope.world.loop) give_up(scope.world, *scope.read(name));
  scope.world.variables.drop(name);
  return {};
}

Flow state(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&] { return (*object)->state(); });
}

Flow delegating(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&] { return (*object)->is_delegating() ? "True" : "False"; });
}

Flow increment(const Statement& statement, Scope& scope) {
  scope.trace(statement, std::to_string(++scope.world.counters[statement.arguments.at(0)]));
  return {};
}

Flow cause(const Statement& statement, Scope& scope) {
  std::exception_ptr cause;
  try {
    if (std::current_exception()) throw;
  } catch (const weft::BaseException& handled) {
    cause = handled.cause();
  }
  scope.trace(statement, text(cause));
  return {};
}

/// A user's own event loop: each coroutine sleeps until the time that it yields.
class SimulatedLoop {
 public:
  SimulatedLoop(World& world, const Tokens& names) : world_(world) {
    for (const std::string& name : names) {
      if (world.variables.find(name)) push(0, name);
      ++sequence_;
    }
  }

  void run(Scope& scope) {
    while (!sleepers_.empty()) {
      const auto [wake, number, name] = sleepers_.top();
      sleepers_.pop();
      world_.simulated_time = std::max(world_.simulated_time, wake);
      const std::string outcome = resume(name);
      scope.log("sim " + std::to_string(world_.simulated_time) + " " + name + " -> " + outcome);
    }
  }

 private:
  using Sleeper = std::tuple<long, long, std::string>;

  void push(long wake, const std::string& name) { sleepers_.emplace(wake, sequence_, name); }

  std::string resume(const std::string& name) {
    const Value sent = started_.insert(name).second ? Value() : Value(world_.simulated_time);
    try {
      const Value wake = send(*world_.variables.find(name), sent);
      push(wake.value_or(world_.simulated_time), name);
      ++sequence_;
      return "yield " + text(wake);
    } catch (const weft::StopIteration& stop) {
      return stopped(stop);
    } catch (const weft::BaseException& error) {
      return "raise " + text(error);
    }
  }

  static Value send(const Ref& variable, Value value) {
    const Ref object = variable;
    return object->send(value);
  }

  World& world_;
  std::priority_queue<Sleeper, std::vector<Sleeper>, std::greater<>> sleepers_;
  std::set<std::string> started_;
  long sequence_ = 0;
};

Flow simulate(const Statement& statement, Scope& scope) {
  SimulatedLoop(scope.world, statement.arguments).run(scope);
  scope.trace(statement, "ok");
  return {};
}

}  // namespace

void add_drives(Table& table) {
  table.insert({{"new", new_},
                {"drop", drop},
                {"next", step<Verb::Next>},
                {"send", step<Verb::Send>},
                {"throw", step<Verb::Throw>},
                {"close", step<Verb::Close>},
                {"xnext", raising_step<Verb::Next>},
                {"xsend", raising_step<Verb::Send>},
                {"xthrow", raising_step<Verb::Throw>},
                {"xclose", raising_step<Verb::Close>},
                {"state", state},
                {"deleg", delegating},
                {"inc", increment},
                {"cause", cause},
                {"simloop", simulate}});
}

}  // namespace conformance
