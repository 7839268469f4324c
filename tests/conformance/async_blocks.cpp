// Blocks that wait: asynchronous loops and contexts.

#include <weft/coro/async_for.h>
#include <weft/coro/async_with.h>

#include "interpreter.h"

namespace conformance {

namespace {

/// The reference that a block holds.
struct Held {
  Ref object;
  Value anext() { return object->anext(); }
  Value aenter() { return object->aenter(); }
  bool aexit(std::exception_ptr error) { return object->aexit(std::move(error)); }
};

Flow run_loop(const Statement& statement, Scope& scope, Held items) {
  Flow flow;
  weft::async_for(
      std::move(items),
      [&](Value item) {
        scope.log("item " + text(item));
        const Flow body = run(statement.body, scope);
        if (body.kind == Flow::Return) flow = body;
        const bool leaves = body.kind == Flow::Return || body.kind == Flow::Break;
        return leaves ? weft::Iteration::Break : weft::Iteration::Continue;
      },
      [&] {
        if (statement.otherwise) flow = run(*statement.otherwise, scope);
      });
  return flow;
}

Flow run_context(const Statement& statement, Scope& scope, Held manager) {
  const auto flow = weft::async_with(manager, [&](Value entered) {
    scope.log("enter " + text(entered));
    return run(statement.body, scope);
  });
  return flow.value_or(Flow());
}

template <Flow run_block(const Statement&, Scope&, Held)>
Flow over_new(const Statement& statement, Scope& scope) {
  return run_block(statement, scope, {scope.world.make(statement.arguments.at(0))});
}

template <Flow run_block(const Statement&, Scope&, Held)>
Flow over_variable(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  return object ? run_block(statement, scope, {*object}) : Flow();
}

}  // namespace

void add_async_blocks(Table& table) {
  table.insert({{"afor", over_new<run_loop>},
                {"aforvar", over_variable<run_loop>},
                {"awith", over_new<run_context>},
                {"awithvar", over_variable<run_context>}});
}

}  // namespace conformance
