// A limit on the time that connecting may take. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <weft/base/errors.h>
#include <weft/task/sleep.h>
#include <weft/task/timeout.h>

namespace weft::detail {

/// Runs `connect()`. Throws: TimeoutError that says what name() gives.
template <class Name, class F>
auto connect_within(std::optional<Duration> limit, const Name& name, F&& connect) {
  if (!limit) return connect();
  Timeout scope(saturating_add(now(), *limit));
  try {
    return run_under(scope, connect);
  } catch (const TimeoutError& error) {
    if (!scope.expired()) throw;
    TimeoutError named(fmt::format("connect to {}: no answer within {} ms", name(),
                                   std::chrono::ceil<std::chrono::milliseconds>(*limit).count()));
    named.set_cause(error.cause());
    throw named;
  }
}

}  // namespace weft::detail
