// Waiting without passing a cancellation on. Layer: task.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>
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

/// `Inner` is a Future, or an AnyFuture: that has no result to pass on.
template <class Inner>
struct ShieldOf final : Shield {
  using Outer = Future<typename Inner::Result>;
  Inner inner;
  Outer outer;

  ShieldOf(const Inner& in, const Outer& out)
      : Shield(*Access::state(in), *Access::state(out)), inner(in), outer(out) {}

 private:
  void pass_result() override {
    if constexpr (std::is_void_v<typename Inner::Result>) {
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
/// If `what` is done already it is given itself. A result that cannot be copied is moved over. Of
/// an AnyFuture or AnyTask an AnyFuture is given.
///
/// Throws: RuntimeError if no loop runs on this thread.
/// Source: asyncio.shield
template <class What>
auto shield(What&& what) {
  detail::require_loop("shield");
  const auto task = detail::as_future(std::forward<What>(what));
  using Given = std::remove_const_t<decltype(task)>;
  using Inner =
      std::conditional_t<std::same_as<Given, AnyFuture>, AnyFuture, Future<typename Given::Result>>;
  const Inner inner(task);
  if (inner.done()) return inner;
  const Future<typename Inner::Result> outer(*detail::Access::state(inner)->loop->owner);
  new detail::ShieldOf<Inner>(inner, outer);
  return Inner(outer);
}

}  // namespace weft
