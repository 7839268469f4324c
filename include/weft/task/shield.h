// Waiting without passing a cancellation on. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <utility>

#include <weft/task/gather.h>
#include <weft/task/listening.h>

namespace weft {

namespace detail {

/// Ties an outer future to an inner one. Lives until the inner one is done or nobody waits for it.
class Shield : private Listening {
 public:
  Shield(FutureBase& inner, FutureBase& outer);

 protected:
  virtual ~Shield();
  virtual void pass_result() = 0;

 private:
  struct Guard;

  void on_done(FutureBase& inner) final;
  void hold() noexcept final {}
  void let_go() noexcept final { delete this; }

  FutureBase& outer_;
  Handle outer_done_;
};

template <class T>
struct ShieldOf final : Shield {
  Future<T> inner;
  Future<T> outer;

  ShieldOf(const Future<T>& in, const Future<T>& out)
      : Shield(*Access::state(in), *Access::state(out)), inner(in), outer(out) {}

 private:
  void pass_result() override {
    if constexpr (std::is_void_v<T>) {
      inner.result();
      outer.set_result();
    } else {
      outer.set_result(inner.result());
    }
  }
};

}  // namespace detail

/// A future of its own for the result of `what`: a function, coroutine, task or future. When it is
/// cancelled, as happens if who awaits it is cancelled, `what` goes on undisturbed.
///
///     await(shield(task));
///
/// If `what` is done already it is given itself. A result that cannot be copied is moved over.
///
/// Throws: RuntimeError if no loop runs on this thread.
/// Source: asyncio.shield
template <class What>
auto shield(What&& what) {
  detail::require_loop("shield");
  const auto task = detail::as_future(std::forward<What>(what));
  using T = typename decltype(task)::Result;
  const Future<T> inner(task);
  if (inner.done()) return inner;
  const Future<T> outer(*detail::Access::state(inner)->loop->owner);
  new detail::ShieldOf<T>(inner, outer);
  return outer;
}

}  // namespace weft
