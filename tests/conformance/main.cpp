// conformance FILE: runs the programs of a file and prints their traces.

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "parser.h"
#include "world.h"

namespace {

/// The kinds that the interpreter knows.
bool is_supported(const std::string& kind) {
  return kind == "generator" || kind == "coroutine" || kind == "asyncgen";
}

void print(const conformance::Program& program) {
  const std::vector<std::string> trace = is_supported(program.kind)
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
