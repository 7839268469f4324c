// Runs statements. Each file of them enters its own in the table.
#pragma once

#include <map>
#include <string>

#include "object.h"
#include "program.h"
#include "value.h"
#include "world.h"

namespace conformance {

/// How a statement was left.
struct Flow {
  enum Kind { Normal, Break, Continue, Return } kind = Normal;
  Value value{};  // of Return
};

/// One body being run.
struct Scope {
  World& world;
  const char* label;
  Self* self = nullptr;             // of generators
  AsyncSelf* async_self = nullptr;  // of asynchronous ones

  void log(const std::string& line) { world.log(label + (": " + line)); }
  void trace(const Statement& statement, const std::string& outcome) {
    log(statement.text + " -> " + outcome);
  }

  /// What the variable holds; null, and a line in the trace, if it is unbound.
  const Ref* read(const std::string& name);
};

Flow run(const Block& block, Scope& scope);

/// Traces what `call` gives or throws: the error goes no further.
template <class Call>
Flow traced(const Statement& statement, Scope& scope, Call call) {
  std::string outcome;
  try {
    outcome = call();
  } catch (const weft::BaseException& error) {
    outcome = "raise " + text(error);
  }
  scope.trace(statement, outcome);
  return {};
}

using Handler = Flow (*)(const Statement& statement, Scope& scope);
using Table = std::map<std::string, Handler>;

void add_control(Table& table);       // log, raise, loop, try ...
void add_drives(Table& table);        // new, next, send, throw, close ...
void add_waits(Table& table);         // yield, from, await ...
void add_async_blocks(Table& table);  // afor, awith
void add_async_steps(Table& table);   // anext, mkanext ...
void add_futures(Table& table);       // spawn, cancel, gather ...
void add_loop(Table& table);          // callsoon, run ...
void add_waiting(Table& table);       // sleep, timeout, group ...
void add_sync(Table& table);          // lock, queue ...

/// Whether every statement of the block has a handler.
bool is_known(const Block& block);

}  // namespace conformance
