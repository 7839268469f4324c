// Asynchronous generators: PEP 525.
//
// The body is a routine that is always the root of its own drive, as that of a coroutine which is
// driven by hand. Each step is an object of its own. When a coroutine awaits it, what the body
// traps is trapped again in that coroutine's name; an item ends the step.

#include <weft/coro/async_routine.h>

#include <weft/base/errors.h>
#include <weft/coro/async_generator.h>

#include "coro/chain.h"

namespace weft {

namespace detail {

namespace {

thread_local AsyncGeneratorHooks* present_hooks = nullptr;

/// For the time of an await: the frame counts as delegating, also while it passes something on.
class Delegating {
 public:
  explicit Delegating(Frame& frame) noexcept : frame_(frame), before_(frame.delegating) {
    frame.delegating = true;
    frame.since = frame.home->root->serial;
  }
  Delegating(const Delegating&) = delete;
  Delegating& operator=(const Delegating&) = delete;
  ~Delegating() { frame_.delegating = before_; }

 private:
  Frame& frame_;
  bool before_;
};

}  // namespace

void look_for_hooks(AsyncRoutine& generator) {
  if (std::exchange(generator.hooked, true) || !present_hooks) return;
  present_hooks->add(generator);
}

bool leave_to_hooks(Routine& routine) noexcept {
  auto& generator = static_cast<AsyncRoutine&>(routine);
  AsyncGeneratorHooks* hooks = generator.hooks;
  if (!hooks) return false;
  hooks->remove(generator);
  if (generator.state == State::Closed || generator.stopped) return false;
  hooks->finalize(AnyAsyncGenerator(generator));
  return true;
}

AsyncRequest::AsyncRequest(AsyncRoutine& generator, Verb verb, std::exception_ptr error)
    : generator_(&generator), error_(std::move(error)), verb_(verb) {
  look_for_hooks(generator);
  retain(generator);
}

void AsyncRequest::end() noexcept {
  generator_->busy = false;
  phase_ = Phase::Ended;
}

void AsyncRequest::check_reuse() const {
  if (phase_ == Phase::Ended)
    throw RuntimeError(verb_ == Verb::Send ? "cannot reuse already awaited __anext__()/asend()"
                                           : "cannot reuse already awaited aclose()/athrow()");
}

/// A step towards an item. `ends`: whatever but a trap ends the request.
template <class Call>
AsyncRequest::Outcome AsyncRequest::to_item(bool ends, Call call) {
  struct Idle {
    AsyncRequest& request;
    bool ends;
    bool trapped = false;
    ~Idle() {
      if (trapped) return;
      request.generator_->busy = false;
      if (ends) request.phase_ = Phase::Ended;
    }
  } idle{*this, ends};
  try {
    if (call() == detail::Outcome::Returned) throw StopAsyncIteration();
  } catch (const StopAsyncIteration&) {
    generator_->stopped = true;
    throw;
  } catch (const GeneratorExit&) {
    generator_->stopped = true;
    throw;
  }
  if (offer_of(*generator_).exchange->is_item) return Outcome::Item;
  idle.trapped = true;
  return Outcome::Trapped;
}

/// A step towards the end. `sent`: not by throw_(), which leaves the generator running, as CPython
/// has it.
template <class Call>
AsyncRequest::Outcome AsyncRequest::to_end(bool sent, Call call) {
  try {
    if (call() == detail::Outcome::Returned) throw StopAsyncIteration();
  } catch (const StopAsyncIteration&) {
    if (sent) end();
    return Outcome::Done;
  } catch (const GeneratorExit&) {
    if (sent) end();
    return Outcome::Done;
  } catch (...) {
    if (sent) end();
    throw;
  }
  if (!offer_of(*generator_).exchange->is_item) return Outcome::Trapped;
  end();
  std::rethrow_exception(ignored_exit(RoutineKind::AsyncGenerator));
}

AsyncRequest::Outcome AsyncRequest::begin_throw(const Mail& sent) {
  if (generator_->busy) {
    phase_ = Phase::Ended;
    throw RuntimeError(verb_ == Verb::Close
                           ? "aclose(): asynchronous generator is already running"
                           : "athrow(): asynchronous generator is already running");
  }
  if (generator_->stopped) {
    phase_ = Phase::Ended;
    throw StopAsyncIteration();
  }
  if (sent.value) raise_just_started(RoutineKind::Coroutine);
  phase_ = Phase::Begun;
  generator_->busy = true;
  if (verb_ == Verb::Throw)
    return to_item(true, [&] { return throw_innermost(*generator_, std::move(error_)); });
  generator_->stopped = true;
  return to_end(true, [&] { return throw_innermost(*generator_, generator_exit()); });
}

AsyncRequest::Outcome AsyncRequest::send(Mail sent, const Mail& first) {
  check_reuse();
  const bool fresh = phase_ == Phase::Fresh;
  if (verb_ != Verb::Send) {
    if (generator_->state == State::Closed) {
      phase_ = Phase::Ended;
      return Outcome::Done;
    }
    if (fresh) return begin_throw(sent);
  } else if (fresh) {
    if (generator_->busy) throw RuntimeError("anext(): asynchronous generator is already running");
    if (!sent.value) sent = first;
  }
  check_sent(*generator_, sent.value ? *sent.type : typeid(void));
  phase_ = Phase::Begun;
  const auto step = [&] { return resume(*generator_, sent.value, nullptr); };
  if (verb_ == Verb::Close) return to_end(true, step);
  if (verb_ == Verb::Throw) return to_item(false, step);
  generator_->busy = true;
  return to_item(true, step);
}

AsyncRequest::Outcome AsyncRequest::throw_(std::exception_ptr error) {
  check_reuse();
  const auto step = [&] { return throw_into(*generator_, std::move(error), nullptr); };
  return verb_ == Verb::Close ? to_end(false, step) : to_item(verb_ == Verb::Send, step);
}

/// Traps in the coroutine's name what the body has trapped, and hands on what comes back.
AsyncRequest::Outcome AsyncRequest::pass_on(Frame& frame) {
  const Offer offer = offer_of(*generator_);
  const Exchange exchange = *offer.exchange;  // somebody else may drive the generator on meanwhile
  void* got = nullptr;
  std::exception_ptr error;
  try {
    got = suspend_slowly(frame, offer.value, &exchange, true);
  } catch (const GeneratorExit&) {
    close();
    throw;
  } catch (...) {
    error = std::current_exception();
  }
  return error ? throw_(std::move(error)) : send({got, exchange.received}, {});
}

void* AsyncRequest::await(const Mail& first, std::exception_ptr error) {
  Frame& frame = current_coroutine_frame("await() outside a coroutine or task");
  const Delegating mark(frame);
  Outcome outcome = error ? throw_(std::move(error)) : send({}, first);
  while (outcome == Outcome::Trapped) outcome = pass_on(frame);
  return outcome == Outcome::Item ? item() : nullptr;
}

}  // namespace detail

AsyncGeneratorHooks::~AsyncGeneratorHooks() {
  while (first_) remove(*first_);
}

void AsyncGeneratorHooks::add(detail::AsyncRoutine& generator) noexcept {
  generator.hooks = this;
  generator.listed = true;
  generator.previous = last_;
  (last_ ? last_->next : first_) = &generator;
  last_ = &generator;
}

void AsyncGeneratorHooks::remove(detail::AsyncRoutine& generator) noexcept {
  (generator.previous ? generator.previous->next : first_) = generator.next;
  (generator.next ? generator.next->previous : last_) = generator.previous;
  generator.hooks = nullptr;
}

bool AsyncGeneratorHooks::empty() const noexcept {
  for (const detail::AsyncRoutine* it = first_; it; it = it->next)
    if (it->listed) return false;
  return true;
}

std::vector<AnyAsyncGenerator> AsyncGeneratorHooks::take_all() {
  std::vector<AnyAsyncGenerator> generators;
  for (detail::AsyncRoutine* it = first_; it; it = it->next)
    if (std::exchange(it->listed, false)) generators.emplace_back(*it);
  return generators;
}

AsyncGeneratorHooks* set_asyncgen_hooks(AsyncGeneratorHooks* hooks) noexcept {
  return std::exchange(detail::present_hooks, hooks);
}

}  // namespace weft
