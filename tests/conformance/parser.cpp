#include "parser.h"

#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace conformance {

namespace {

const std::set<std::string> kPlainBlocks{"loop",    "awith",     "awithvar",
                                         "timeout", "timeoutat", "group"};
const std::set<std::string> kBodied{"gen", "coro", "agen", "func", "awt"};

class Parser {
 public:
  explicit Parser(std::istream& input) : input_(input) {}

  std::vector<Program> programs() {
    std::vector<Program> found;
    for (Tokens line = next(); !line.empty(); line = next()) {
      if (line[0] == "program" && line.size() == 3)
        found.push_back({line.at(1), line.at(2), {}, {}});
      else if (found.empty())
        fail("a program starts with `program NAME KIND`");
      else
        part(line, found.back());
    }
    return found;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("line " + std::to_string(number_) + ": " + what);
  }

  /// The next line that says something, of a part that has an end.
  Tokens next_in(const std::string& part) {
    Tokens line = next();
    if (line.empty()) fail("the file ends in a " + part);
    return line;
  }

  /// The next line that says something; nothing at the end of the file.
  Tokens next() {
    for (std::string line; std::getline(input_, line);) {
      ++number_;
      std::istringstream words(line);
      Tokens tokens;
      for (std::string word; words >> word;) tokens.push_back(word);
      if (!tokens.empty() && tokens[0][0] != '#') return tokens;
    }
    return {};
  }

  void part(const Tokens& line, Program& program) {
    if (line[0] == "main")
      program.main = block();
    else if (line[0] == "trace")
      while (next_in("trace") != Tokens{"end"}) continue;
    else {
      Definition defined = definition(line);
      program.definitions.emplace(line[1], std::move(defined));
    }
  }

  Definition definition(const Tokens& line) {
    if (line.size() < 2) fail("`" + line[0] + "` lacks a name");
    Definition result{line[0], line[1], {line.begin() + 2, line.end()}, {}, {}};
    if (kBodied.contains(result.type)) result.body = block();
    if (result.type == "iter")
      for (Tokens option = next_in("iter"); option[0] != "end"; option = next_in("iter"))
        result.options[option[0]] = {option.begin() + 1, option.end()};
    return result;
  }

  Block block() {
    Tokens end;
    return block({"end"}, end);
  }

  /// Up to a line that starts with one of `ends`, which is told.
  Block block(const std::set<std::string>& ends, Tokens& end) {
    Block result;
    for (end = next_in("block"); !ends.contains(end[0]); end = next_in("block"))
      result.push_back(statement(end));
    return result;
  }

  Statement statement(const Tokens& line) {
    Statement result;
    result.name = line[0];
    result.arguments.assign(line.begin() + 1, line.end());
    for (const std::string& token : line) result.text += (result.text.empty() ? "" : " ") + token;
    if (result.name == "try") {
      read_try(result);
    } else if (result.name == "afor" || result.name == "aforvar") {
      Tokens end;
      result.body = block({"else", "end"}, end);
      if (end[0] == "else") result.otherwise = block();
    } else if (kPlainBlocks.contains(result.name)) {
      result.body = block();
    }
    return result;
  }

  void read_try(Statement& result) {
    const std::set<std::string> ends{"except", "else", "finally", "end"};
    Tokens end;
    result.body = block(ends, end);
    while (end[0] != "end") {
      const Tokens start = std::exchange(end, {});
      Block part = block(ends, end);
      if (start[0] == "except")
        result.clauses.push_back({start.at(1), std::move(part)});
      else
        (start[0] == "else" ? result.otherwise : result.finally) = std::move(part);
    }
  }

  std::istream& input_;
  int number_ = 0;
};

}  // namespace

std::vector<Program> parse(std::istream& input) { return Parser(input).programs(); }

}  // namespace conformance
