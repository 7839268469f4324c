// A program of the conformance language, as read. FORMAT.md describes the language.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace conformance {

using Tokens = std::vector<std::string>;

struct Statement;
using Block = std::vector<Statement>;

struct Clause {
  std::string kind;
  Block body;
};

struct Statement {
  std::string name;
  Tokens arguments;
  std::string text;  // name and arguments, as traces show them
  Block body;
  std::vector<Clause> clauses;     // of `try`: its `except`
  std::optional<Block> otherwise;  // `else`
  std::optional<Block> finally;
};

/// A template of the program.
struct Definition {
  std::string type;  // gen, coro, iter, ...
  std::string name;
  Tokens arguments;
  Block body;
  std::map<std::string, Tokens> options;  // of `iter`
};

struct Program {
  std::string name;
  std::string kind;
  std::map<std::string, Definition> definitions;
  Block main;
};

}  // namespace conformance
