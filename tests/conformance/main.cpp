// conformance FILE: runs the programs of a file and prints their traces.

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "interpreter.h"
#include "parser.h"
#include "world.h"

namespace {

bool is_supported(const conformance::Program& program) {
  for (const auto& [name, definition] : program.definitions)
    if (!conformance::is_known(definition.body)) return false;
  return conformance::is_known(program.main);
}

void print(const conformance::Program& program) {
  const std::vector<std::string> trace = is_supported(program)
                                             ? conformance::run_program(program)
                                             : std::vector<std::string>{"unsupported"};
  std::printf("program %s\n", program.name.c_str());
  for (const std::string& line : trace) std::printf("| %s\n", line.c_str());
  std::printf("end\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FILE\n", argv[0]);
    return 2;
  }
  std::ifstream file(argv[1]);
  if (!file) {
    std::perror(argv[1]);
    return 2;
  }
  try {
    for (const conformance::Program& program : conformance::parse(file)) print(program);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
    return 1;
  }
}
