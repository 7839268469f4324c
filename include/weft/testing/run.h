// Tests of code that waits: exact, fast, and checked for what they leave over. Layer: testing.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include <weft/base/errors.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>
#include <weft/testing/log.h>
#include <weft/testing/virtual_clock.h>

namespace weft::testing {

/// Something is left that a finished test must not leave; the message lists it.
class LeftOver : public RuntimeError {
 public:
  using RuntimeError::RuntimeError;
};

/// Nothing that runs, and nothing outside, can ever wake those who wait; the message lists them.
class Deadlock : public RuntimeError {
 public:
  using RuntimeError::RuntimeError;
};

struct RunOptions {
  bool real_time = false;              ///< use the system's clock instead of a VirtualClock
  std::unique_ptr<Selector> selector;  ///< none: make_selector()
};

/// Runs `body` as the main task of a new loop with a VirtualClock, and checks at its end that no
/// task, timer, watched or open descriptor, stack or unretrieved exception is left over.
///
/// Throws: what the body throws; LeftOver; Deadlock if the body can never end.
void run(const std::function<void()>& body);
void run(RunOptions options, const std::function<void()>& body);

/// Waits until every other task of the loop is blocked, and what has arrived for them from outside
/// has been dealt with. No time passes.
///
/// Suspends:  for some turns.
/// Cancelled: CancelledError. Throws: RuntimeError outside a task.
/// Source:    trio.testing.wait_all_tasks_blocked
void settle();

/// How often the present task was suspended during `body`.
///
/// Suspends: as the body does. Throws: what the body throws; RuntimeError outside a task.
int turns(const std::function<void()>& body);

}  // namespace weft::testing
