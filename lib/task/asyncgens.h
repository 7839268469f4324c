// What loops do for asynchronous generators. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/loop/core.h>

namespace weft::detail {

/// From here on, those that are first iterated while the loop runs are closed by tasks of it.
void look_after_asyncgens(LoopCore& loop);

}  // namespace weft::detail
