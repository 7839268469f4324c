// Statements about the event loop itself.

#include <chrono>

#include <weft/task/run.h>
#include <weft/task/shutdown_asyncgens.h>

#include "futures.h"

namespace conformance {

namespace {

class HandleObject final : public Object {
 public:
  HandleObject(weft::Handle made, bool timer) : handle(std::move(made)), is_timer(timer) {}

  weft::Handle handle;
  const bool is_timer;  // others do not know when
};

Flow callback(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    World& world = scope.world;
    world.variables.bind(
        statement.arguments.at(0),
        std::make_shared<CallbackObject>(world, world.definition(statement.arguments.at(1))));
    return "ok";
  });
}

/// H = the handle that `schedule` makes of the callback in the last argument.
template <class Schedule>
Flow scheduling(const Statement& statement, Scope& scope, bool timer, Schedule schedule) {
  const Ref* object = scope.read(statement.arguments.back());
  if (!object) return {};
  return traced(statement, scope, [&] {
    const auto function = as<CallbackObject>(*object);
    scope.world.variables.bind(
        statement.arguments.at(0),
        std::make_shared<HandleObject>(schedule([function] { (*function)(); }), timer));
    return "ok";
  });
}

Flow call_soon(const Statement& statement, Scope& scope) {
  return scheduling(statement, scope, false,
                    [&](auto function) { return scope.world.loop->call_soon(function); });
}

Flow call_later(const Statement& statement, Scope& scope) {
  return scheduling(statement, scope, true, [&](auto function) {
    return scope.world.loop->call_later(*read_delay(statement.arguments.at(1)), function);
  });
}

Flow call_at(const Statement& statement, Scope& scope) {
  return scheduling(statement, scope, true, [&](auto function) {
    return scope.world.loop->call_at(*read_time(statement.arguments.at(1)), function);
  });
}

template <class Ask>
Flow of_handle(const Statement& statement, Scope& scope, Ask ask) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&] { return ask(*as<HandleObject>(*object)); });
}

Flow cancel(const Statement& statement, Scope& scope) {
  return of_handle(statement, scope, [](HandleObject& it) {
    it.handle.cancel();
    return "ok";
  });
}

Flow cancelled(const Statement& statement, Scope& scope) {
  return of_handle(statement, scope,
                   [](const HandleObject& it) { return text(it.handle.cancelled()); });
}

Flow when(const Statement& statement, Scope& scope) {
  return of_handle(statement, scope, [](const HandleObject& it) {
    if (!it.is_timer) throw weft::AttributeError();
    return text(it.handle.when());
  });
}

Flow stop(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    scope.world.loop->stop();
    return "ok";
  });
}

Flow run_new(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    World& world = scope.world;
    const auto task = std::make_shared<TaskObject>(
        weft::create_task({.loop = world.loop, .where = {}},
                          world.make_coroutine(world.definition(statement.arguments.at(0)))));
    world.kept.push_back(task);
    return text(weft::run_until_complete(*world.loop, task->task));
  });
}

Flow run_variable(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  return traced(statement, scope, [&] {
    const FutureRef future = as<FutureObject>(*object);
    return future->run_in(*scope.world.loop);
  });
}

Flow run_forever(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    scope.world.loop->run_forever();
    return "ok";
  });
}

Flow shut_down(const Statement& statement, Scope& scope) {
  return traced(statement, scope, [&] {
    close_generators(*scope.world.loop);
    return "ok";
  });
}

}  // namespace

void close_generators(weft::EventLoop& loop) {
  weft::run_until_complete(loop, weft::create_task({.loop = &loop, .where = {}},
                                                   [&loop] { weft::shutdown_asyncgens(loop); }));
}

void add_loop(Table& table) {
  table.insert({{"cb", callback},
                {"callsoon", call_soon},
                {"calllater", call_later},
                {"callat", call_at},
                {"hcancel", cancel},
                {"hcancelled", cancelled},
                {"hwhen", when},
                {"stop", stop},
                {"run", run_new},
                {"runvar", run_variable},
                {"runforever", run_forever},
                {"shutdownagens", shut_down}});
}

}  // namespace conformance
