// The end of asynchronous generators that nobody has closed. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/loop/event_loop.h>

namespace weft {

/// Closes all asynchronous generators that were first iterated while `loop` ran, and have not been
/// closed, side by side, each in a task of its own. run() does it at its end.
///
/// (One that is dropped half-way while the loop runs needs nothing: the loop makes the task that
/// awaits its aclose() in the next turn.)
///
/// Suspends:  until they are closed, if there are any.
/// Cancelled: the tasks are cancelled too.
/// Throws:    RuntimeError outside a task; ValueError if `loop` is not the running one. What the
///            generators throw goes to the loop's exception handler.
/// Source:    loop.shutdown_asyncgens
void shutdown_asyncgens(EventLoop& loop);

}  // namespace weft
