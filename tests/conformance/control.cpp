// Control flow: the language's maps onto that of C++.

#include <algorithm>

#include "interpreter.h"

namespace conformance {

namespace {

Table all_statements() {
  Table table;
  add_control(table);
  add_drives(table);
  add_waits(table);
  add_async_blocks(table);
  add_async_steps(table);
  add_futures(table);
  add_loop(table);
  add_waiting(table);
  add_sync(table);
  return table;
}

Flow log(const Statement& statement, Scope& scope) {
  scope.log(statement.text);
  return {};
}

Flow pass(const Statement&, Scope&) { return {}; }

Flow raise(const Statement& statement, Scope&) {
  std::rethrow_exception(make_error(statement.arguments, 0));
}

Flow reraise(const Statement&, Scope&) { throw; }

Flow return_(const Statement& statement, Scope&) {
  const Tokens& arguments = statement.arguments;
  return {Flow::Return, arguments.empty() ? Value() : read_value(arguments[0])};
}

Flow break_(const Statement&, Scope&) { return {Flow::Break}; }

Flow continue_(const Statement&, Scope&) { return {Flow::Continue}; }

Flow loop(const Statement& statement, Scope& scope) {
  for (long left = std::stol(statement.arguments.at(0)); left > 0; --left) {
    const Flow flow = run(statement.body, scope);
    if (flow.kind == Flow::Return) return flow;
    if (flow.kind == Flow::Break) break;
  }
  return {};
}

Flow run_clause(const Statement& statement, const weft::BaseException& error, Scope& scope) {
  for (const Clause& clause : statement.clauses) {
    if (!is_a(error, clause.kind)) continue;
    scope.log("caught " + text(error));
    return run(clause.body, scope);
  }
  throw;
}

Flow run_guarded(const Statement& statement, Scope& scope) {
  Flow flow;
  try {
    flow = run(statement.body, scope);
  } catch (const weft::BaseException& error) {
    return run_clause(statement, error, scope);
  }
  if (flow.kind == Flow::Normal && statement.otherwise) return run(*statement.otherwise, scope);
  return flow;
}

Flow try_(const Statement& statement, Scope& scope) {
  if (!statement.finally) return run_guarded(statement, scope);
  Flow flow;
  try {
    flow = run_guarded(statement, scope);
  } catch (const weft::BaseException&) {
    const Flow last = run(*statement.finally, scope);
    if (last.kind != Flow::Normal) return last;
    throw;
  }
  const Flow last = run(*statement.finally, scope);
  return last.kind == Flow::Normal ? flow : last;
}

}  // namespace

const Ref* Scope::read(const std::string& name) {
  const Ref* bound = world.variables.find(name);
  if (!bound) log("undef " + name);
  return bound;
}

namespace {

const Table& statements() {
  static const Table table = all_statements();
  return table;
}

bool is_known(const Statement& statement) {
  return statements().contains(statement.name) && is_known(statement.body) &&
         (!statement.otherwise || is_known(*statement.otherwise)) &&
         (!statement.finally || is_known(*statement.finally)) &&
         std::ranges::all_of(statement.clauses,
                             [](const Clause& clause) { return is_known(clause.body); });
}

}  // namespace

bool is_known(const Block& block) {
  return std::ranges::all_of(block, [](const Statement& it) { return is_known(it); });
}

Flow run(const Block& block, Scope& scope) {
  for (const Statement& statement : block) {
    const Flow flow = statements().at(statement.name)(statement, scope);
    if (flow.kind != Flow::Normal) return flow;
  }
  return {};
}

void add_control(Table& table) {
  table.insert({{"log", log},
                {"pass", pass},
                {"raise", raise},
                {"reraise", reraise},
                {"return", return_},
                {"break", break_},
                {"continue", continue_},
                {"loop", loop},
                {"try", try_}});
}

}  // namespace conformance
