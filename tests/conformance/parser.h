// Reads files of programs.
#pragma once

#include <istream>
#include <vector>

#include "program.h"

namespace conformance {

/// Recorded traces are skipped. Throws std::runtime_error, which names the line.
std::vector<Program> parse(std::istream& input);

}  // namespace conformance
