// The untyped half of asynchronous generators. Layer: coro.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <exception>
#include <typeinfo>
#include <utility>
#include <vector>

#include <weft/coro/routine.h>

namespace weft {

class AnyAsyncGenerator;
class AsyncGeneratorHooks;

namespace detail {

/// The record of an asynchronous generator.
struct AsyncRoutine : Routine {
  bool busy = false;     // an anext() or the like is under way. Source: ag_running
  bool stopped = false;  // it was told to end, or has said that it did. Source: ag_closed
  bool hooked = false;   // the thread's hooks have been looked for
  bool listed = false;   // it is among those that they tell of
  AsyncGeneratorHooks* hooks = nullptr;  // null also once they have been left its end
  AsyncRoutine* previous = nullptr;
  AsyncRoutine* next = nullptr;

  using Routine::Routine;
};

/// What the present hooks of the thread have to know, before it is iterated for the first time.
void look_for_hooks(AsyncRoutine& generator);

/// The last reference is gone. True if the hooks see to its end: then it is referred to again.
bool leave_to_hooks(Routine& generator) noexcept;

/// A value on its way into a body: where it is, null for none, and of which type.
struct Mail {
  void* value = nullptr;
  const std::type_info* type = &typeid(void);
};

/// One anext(), asend(), athrow() or aclose().
class AsyncRequest {
 public:
  enum class Verb : std::uint8_t { Send, Throw, Close };
  enum class Outcome : std::uint8_t { Trapped, Item, Done };

  AsyncRequest(AsyncRoutine& generator, Verb verb, std::exception_ptr error = nullptr);
  AsyncRequest(AsyncRequest&& other) noexcept
      : generator_(std::exchange(other.generator_, nullptr)),
        error_(std::move(other.error_)),
        verb_(other.verb_),
        phase_(other.phase_) {}
  AsyncRequest& operator=(AsyncRequest&&) = delete;
  ~AsyncRequest() { release(generator_); }

  /// `first` is sent at the beginning, if nothing else is.
  Outcome send(Mail sent, const Mail& first);
  Outcome throw_(std::exception_ptr error);
  void close() noexcept { phase_ = Phase::Ended; }

  /// In the coroutine that runs; begins by raising `error` in the body, if there is one. Returns
  /// where the item is; null if there is none.
  void* await(const Mail& first, std::exception_ptr error = nullptr);

  void* item() const noexcept { return generator_->offer.value; }
  Routine& routine() const noexcept { return *generator_; }

 private:
  enum class Phase : std::uint8_t { Fresh, Begun, Ended };

  Outcome begin_throw(const Mail& sent);
  Outcome pass_on(Frame& frame);
  template <class Call>
  Outcome to_item(bool ends, Call call);
  template <class Call>
  Outcome to_end(bool sent, Call call);
  void check_reuse() const;
  void end() noexcept;

  AsyncRoutine* generator_;
  std::exception_ptr error_;
  Verb verb_;
  Phase phase_ = Phase::Fresh;
};

}  // namespace detail

/// Looks after the asynchronous generators of a thread, as an event loop does: one that is dropped
/// before its end has to be closed by something that can wait.
///
/// Source: sys.set_asyncgen_hooks
class AsyncGeneratorHooks {
 public:
  AsyncGeneratorHooks() = default;
  AsyncGeneratorHooks(const AsyncGeneratorHooks&) = delete;
  AsyncGeneratorHooks& operator=(const AsyncGeneratorHooks&) = delete;
  virtual ~AsyncGeneratorHooks();

  /// The last handle of a generator is gone, and it has not ended. Its aclose() should be awaited;
  /// if the generator is dropped instead, it is closed on the spot, and cannot wait any more.
  virtual void finalize(AnyAsyncGenerator generator) noexcept = 0;

  /// The generators that were first iterated under these hooks and are still there, in the order in
  /// which that happened. They are told once.
  std::vector<AnyAsyncGenerator> take_all();
  bool empty() const noexcept;

 private:
  friend void detail::look_for_hooks(detail::AsyncRoutine&);
  friend bool detail::leave_to_hooks(detail::Routine&) noexcept;
  void add(detail::AsyncRoutine& generator) noexcept;
  void remove(detail::AsyncRoutine& generator) noexcept;

  detail::AsyncRoutine* first_ = nullptr;
  detail::AsyncRoutine* last_ = nullptr;
};

/// The hooks of the generators that are first iterated from now on; null: none, they are closed
/// when they are destroyed. Returns those set before.
///
/// Thread: each thread has its own.
AsyncGeneratorHooks* set_asyncgen_hooks(AsyncGeneratorHooks* hooks) noexcept;

}  // namespace weft
