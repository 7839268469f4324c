// All of weft. A file that includes only what it uses compiles faster. Layer: net.
// SPDX-License-Identifier: MIT
#pragma once

#include <weft/base/errors.h>
#include <weft/base/exception_group.h>
#include <weft/base/hooks.h>
#include <weft/context/stack.h>
#include <weft/context/switch.h>
#include <weft/coro/async_for.h>
#include <weft/coro/async_with.h>
#include <weft/coro/await.h>
#include <weft/coro/coroutine.h>
#include <weft/coro/generator.h>
#include <weft/coro/step.h>
#include <weft/io/fd.h>
#include <weft/loop/clock.h>
#include <weft/loop/event_loop.h>
#include <weft/loop/handle.h>
#include <weft/loop/selector.h>
#include <weft/net/address.h>
#include <weft/net/socket.h>
#include <weft/sync/barrier.h>
#include <weft/sync/channel.h>
#include <weft/sync/condition.h>
#include <weft/sync/event.h>
#include <weft/sync/lock.h>
#include <weft/sync/queue.h>
#include <weft/sync/select.h>
#include <weft/sync/semaphore.h>
#include <weft/task/future.h>
#include <weft/task/gather.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>
#include <weft/task/task.h>
#include <weft/task/timeout.h>
#include <weft/task/wait_queue.h>
