// Values and exceptions of the language, and how traces show them.
#pragma once

#include <exception>
#include <optional>
#include <string>

#include <weft/base/errors.h>

#include "program.h"

namespace conformance {

using Value = std::optional<long>;

Value read_value(const std::string& token);
std::string text(const Value& value);

/// The exception that `KIND` or `KIND K`, the tokens from `at` on, stands for.
std::exception_ptr make_error(const Tokens& tokens, std::size_t at);

/// Whether `except KIND` takes it.
bool is_a(const weft::BaseException& error, const std::string& kind);

std::string text(const weft::BaseException& error);
std::string text(const std::exception_ptr& error);

}  // namespace conformance
