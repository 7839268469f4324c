#include "world.h"

#include <algorithm>

#include <weft/base/hooks.h>

#include "futures.h"
#include "interpreter.h"

namespace conformance {

namespace {

auto find_by_name(auto& bound, const std::string& name) {
  return std::find_if(bound.begin(), bound.end(),
                      [&](const auto& variable) { return variable.first == name; });
}

}  // namespace

const Ref* Variables::find(const std::string& name) const {
  const auto at = find_by_name(bound_, name);
  return at == bound_.end() ? nullptr : &at->second;
}

void Variables::bind(const std::string& name, Ref object) {
  const auto at = find_by_name(bound_, name);
  if (at == bound_.end()) {
    bound_.emplace_back(name, std::move(object));
  } else {
    const Ref now = object;  // what the old one does while it goes may rebind the variable again
    const Ref old = std::exchange(at->second, std::move(object));
  }
}

void Variables::drop(const std::string& name) {
  const auto at = find_by_name(bound_, name);
  const Ref old = std::move(at->second);
  bound_.erase(at);
}

std::vector<std::string> Variables::names() const {
  std::vector<std::string> names;
  for (const auto& variable : bound_) names.push_back(variable.first);
  return names;
}

const char* World::next_label(const std::string& name) {
  const int number = ++instances_[name];
  return labels_.insert(name + "#" + std::to_string(number)).first->c_str();
}

void World::log(std::string line) {
  if (muted) return;
  if (loop) line = "@" + text(loop->time()) + " " + line;
  trace_.push_back(std::move(line));
}

void run_main(World& world, const Program& program) {
  try {
    Scope scope{world, "main"};
    run(program.main, scope);
  } catch (const weft::BaseException& error) {
    world.log("main: raise " + text(error));
  }
}

namespace {

void run_plain(World& world, const Program& program) {
  run_main(world, program);
  for (const std::string& name : world.variables.names()) {
    if (!world.variables.find(name)) continue;
    world.log("main: drop " + name);
    world.variables.drop(name);
  }
}

}  // namespace

std::vector<std::string> run_program(const Program& program) {
  World world(program);
  weft::set_unraisable_hook(
      [&](std::exception_ptr error, std::string_view) { world.log("unraisable " + text(error)); });
  weft::set_unawaited_hook(
      [&](std::string_view label) { world.log("unawaited " + std::string(label)); });
  program.kind == "asyncio" ? run_asyncio(world, program) : run_plain(world, program);
  weft::set_unraisable_hook(nullptr);
  weft::set_unawaited_hook(nullptr);
  return world.trace();
}

}  // namespace conformance
