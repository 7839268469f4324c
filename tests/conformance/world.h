// What a running program shares: its trace, its variables, its instances.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <weft/loop/event_loop.h>

#include "object.h"
#include "program.h"
#include "value.h"

namespace conformance {

/// Variables in the order of their first binding.
class Variables {
 public:
  /// Null if the name is unbound. Good until a variable is bound or dropped.
  const Ref* find(const std::string& name) const;

  /// The old object, if any, is released once the variable holds the new one.
  void bind(const std::string& name, Ref object);

  /// The object goes when the variable is unbound already.
  void drop(const std::string& name);

  std::vector<std::string> names() const;

 private:
  std::vector<std::pair<std::string, Ref>> bound_;
};

class World {
 public:
  explicit World(const Program& program) : program_(program) {}

  void log(std::string line);
  const std::vector<std::string>& trace() const { return trace_; }

  const Definition& definition(const std::string& name) const {
    return program_.definitions.at(name);
  }

  /// The label of a new instance of the template; it lives as long as the world.
  const char* next_label(const std::string& name);

  /// A new instance.
  Ref make(const std::string& name);
  Generator make_generator(const Definition& definition);
  Coroutine make_coroutine(const Definition& definition);
  AsyncGenerator make_async_generator(const Definition& definition);

  Variables variables;
  std::map<std::string, long> counters;
  long simulated_time = 0;

  // Of asyncio programs.
  weft::EventLoop* loop = nullptr;  // its time stands before each line
  std::vector<Ref> kept;            // futures, which live to the end unless they are dropped
  bool muted = false;

 private:
  const Program& program_;
  std::vector<std::string> trace_;
  std::map<std::string, int> instances_;
  std::set<std::string> labels_;
};

/// Runs main. What leaves it is traced.
void run_main(World& world, const Program& program);

/// Runs main on an event loop, and ends it as run() would.
void run_asyncio(World& world, const Program& program);

/// Runs the program and gives its trace.
std::vector<std::string> run_program(const Program& program);

}  // namespace conformance
