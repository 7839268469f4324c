// Asynchronous generators as objects, and the statements that ask them for steps.

#include <utility>

#include <weft/coro/async_generator.h>
#include <weft/coro/await.h>

#include "interpreter.h"

namespace conformance {

namespace {

/// What anext(), asend(), athrow() or aclose() gave.
template <class Step>
class StepObject final : public Object {
 public:
  explicit StepObject(Step step) : step_(std::move(step)) {}

  Value next() override { return send({}); }
  Value send(Value value) override { return trapped(value ? step_.send(value) : step_.send()); }
  Value throw_(std::exception_ptr error) override {
    return trapped(step_.throw_(std::move(error)));
  }
  void close() override { step_.close(); }
  Value await() override {
    const Ref held = shared_from_this();
    return result_of([this] { return weft::await(step_); });
  }

 private:
  template <class Call>
  static Value result_of(Call call) {
    if constexpr (std::is_void_v<typename Step::Result>) {
      call();
      return {};
    } else {
      return call();
    }
  }

  static Value trapped(typename Step::Step step) {
    if (!step.done()) return value_of(step.value());
    const Value result = result_of([&] { return step.result(); });
    throw result ? weft::StopIteration::with(result) : weft::StopIteration();
  }

  Step step_;
};

class AsyncGeneratorObject final : public Object {
 public:
  explicit AsyncGeneratorObject(AsyncGenerator generator) : generator_(std::move(generator)) {}

  std::string state() const override {
    if (generator_.is_running()) return "running";
    return generator_.is_closed() ? "closed" : "open";
  }
  bool is_delegating() const override { return generator_.is_delegating(); }
  Value anext() override { return weft::await(generator_.anext()); }

  Value await_step(const AsyncCall& call) override {
    switch (call.verb) {
      case AsyncVerb::Next:
        break;
      case AsyncVerb::Send:
        return weft::await(generator_.asend(call.value));
      case AsyncVerb::Throw:
        return weft::await(generator_.athrow(call.error));
      case AsyncVerb::Close:
        weft::await(generator_.aclose());
        return {};
    }
    return anext();
  }

  Ref make_step(const AsyncCall& call) override {
    switch (call.verb) {
      case AsyncVerb::Next:
        break;
      case AsyncVerb::Send:
        return object_of(generator_.asend(call.value));
      case AsyncVerb::Throw:
        return object_of(generator_.athrow(call.error));
      case AsyncVerb::Close:
        return object_of(generator_.aclose());
    }
    return object_of(generator_.anext());
  }

 private:
  template <class Step>
  static Ref object_of(Step step) {
    return std::make_shared<StepObject<Step>>(std::move(step));
  }

  AsyncGenerator generator_;
};

/// The step that the statement's arguments describe, from the generator's on.
template <AsyncVerb verb>
AsyncCall read_call(const Statement& statement, std::size_t generator) {
  AsyncCall call{verb};
  if (verb == AsyncVerb::Send) call.value = read_value(statement.arguments.at(generator + 1));
  if (verb == AsyncVerb::Throw) call.error = make_error(statement.arguments, generator + 1);
  return call;
}

template <AsyncVerb verb>
Flow await_step(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(0));
  if (!object) return {};
  const Value value = (*object)->await_step(read_call<verb>(statement, 0));
  scope.trace(statement, text(value));
  return {};
}

template <AsyncVerb verb>
Flow make_step(const Statement& statement, Scope& scope) {
  const Ref* object = scope.read(statement.arguments.at(1));
  if (!object) return {};
  return traced(statement, scope, [&] {
    scope.world.variables.bind(statement.arguments.at(0),
                               (*object)->make_step(read_call<verb>(statement, 1)));
    return "ok";
  });
}

}  // namespace

Ref make_object(AsyncGenerator generator) {
  return std::make_shared<AsyncGeneratorObject>(std::move(generator));
}

void add_async_steps(Table& table) {
  table.insert({{"anext", await_step<AsyncVerb::Next>},
                {"asend", await_step<AsyncVerb::Send>},
                {"athrow", await_step<AsyncVerb::Throw>},
                {"aclose", await_step<AsyncVerb::Close>},
                {"mkanext", make_step<AsyncVerb::Next>},
                {"mkasend", make_step<AsyncVerb::Send>},
                {"mkathrow", make_step<AsyncVerb::Throw>},
                {"mkaclose", make_step<AsyncVerb::Close>}});
}

}  // namespace conformance
