// What each type of template makes.

#include <array>
#include <utility>

#include <weft/coro/await.h>

#include "interpreter.h"
#include "iterator.h"
#include "world.h"

namespace conformance {

namespace {

std::string state_name(weft::State state) {
  switch (state) {
    case weft::State::Created:
      return "created";
    case weft::State::Running:
      return "running";
    case weft::State::Suspended:
      return "suspended";
    case weft::State::Closed:
      break;
  }
  return "closed";
}

/// A step that has ended is a StopIteration, which has an argument only if there is a value.
template <class Step>
[[noreturn]] void raise_stop(Step& step) {
  const Value result = step.result();
  throw result ? weft::StopIteration::with(result) : weft::StopIteration();
}

class GeneratorObject final : public Object {
 public:
  explicit GeneratorObject(Generator generator) : generator_(std::move(generator)) {}

  Value next() override { return yielded(generator_.next()); }
  Value send(Value value) override { return yielded(generator_.send(value)); }
  Value throw_(std::exception_ptr error) override {
    return yielded(generator_.throw_(std::move(error)));
  }
  void close() override { generator_.close(); }
  std::string state() const override { return state_name(generator_.state()); }
  bool is_delegating() const override { return generator_.is_delegating(); }
  Value yield_from(Self& self) override { return self.yield_from(generator_); }
  Value await() override { return weft::await(generator_); }

 private:
  static Value yielded(Generator::Step step) {
    if (step.done()) raise_stop(step);
    return step.value();
  }

  Generator generator_;
};

class CoroutineObject final : public Object {
 public:
  explicit CoroutineObject(Coroutine coroutine) : coroutine_(std::move(coroutine)) {}

  Value send(Value value) override {
    return trapped(value ? coroutine_.send(value) : coroutine_.send());
  }
  Value throw_(std::exception_ptr error) override {
    return trapped(coroutine_.throw_(std::move(error)));
  }
  void close() override { coroutine_.close(); }
  std::string state() const override { return state_name(coroutine_.state()); }
  bool is_delegating() const override { return coroutine_.is_delegating(); }
  Value await() override { return weft::await(coroutine_); }

 private:
  static Value trapped(Coroutine::Step step) {
    if (step.done()) raise_stop(step);
    return value_of(step.value());
  }

  Coroutine coroutine_;
};

/// An object with await(), whose body is that of an `awt`.
class AwaitableObject final : public Object {
 public:
  AwaitableObject(World& world, const Definition& definition, const char* label)
      : body_{world, definition, label} {}

  Value await() override {
    const Body body = body_;
    return weft::await(body);
  }

 private:
  struct Body {
    World& world;
    const Definition& definition;
    const char* label;

    Value await() const {
      Scope scope{world, label};
      return run(definition.body, scope).value;
    }
  };

  Body body_;
};

/// Python objects whose __await__() is wrong. C++ refuses two of them when it compiles.
class WrongAwaitable final : public Object {
 public:
  WrongAwaitable(World& world, const Definition& definition)
      : world_(world), definition_(definition) {}

  Value await() override {
    const std::string& how = definition_.arguments.at(0);
    if (how == "raise") std::rethrow_exception(make_error(definition_.arguments, 1));
    if (how == "int") throw weft::TypeError("__await__() returned non-iterator of type 'int'");
    world_.make(definition_.arguments.at(1));
    throw weft::TypeError("__await__() returned a coroutine");
  }

 private:
  World& world_;
  const Definition& definition_;
};

/// `aiter T C N`. Its anext() is a coroutine, as in Python.
class AsyncIterator final : public Object {
 public:
  AsyncIterator(World& world, const Definition& definition)
      : world_(world),
        item_(world.definition(definition.arguments.at(0))),
        left_(std::stol(definition.arguments.at(1))) {}

  Value anext() override {
    return weft::await(Coroutine([this]() -> Value {
      if (left_-- <= 0) throw weft::StopAsyncIteration();
      return weft::await(world_.make_coroutine(item_));
    }));
  }

 private:
  World& world_;
  const Definition& item_;
  long left_;
};

/// `actx T ENTER EXIT`.
class AsyncContext final : public Object {
 public:
  AsyncContext(World& world, const Definition& definition, const char* label)
      : world_(world),
        enter_(world.definition(definition.arguments.at(0))),
        exit_(world.definition(definition.arguments.at(1))),
        label_(label) {}

  Value aenter() override { return weft::await(world_.make_coroutine(enter_)); }
  bool aexit(std::exception_ptr error) override {
    world_.log(label_ + (": aexit " + text(error)));
    return weft::await(world_.make_coroutine(exit_)).value_or(0) != 0;
  }

 private:
  World& world_;
  const Definition& enter_;
  const Definition& exit_;
  std::string label_;
};

}  // namespace

Generator World::make_generator(const Definition& definition) {
  const char* label = next_label(definition.name);
  return {[this, &definition, label](Self& self) -> Value {
    Scope scope{*this, label, &self};
    return run(definition.body, scope).value;
  }};
}

Coroutine World::make_coroutine(const Definition& definition) {
  const char* label = next_label(definition.name);
  Coroutine coroutine([this, &definition, label]() -> Value {
    Scope scope{*this, label};
    return run(definition.body, scope).value;
  });
  coroutine.set_label(label);
  return coroutine;
}

AsyncGenerator World::make_async_generator(const Definition& definition) {
  const char* label = next_label(definition.name);
  return {[this, &definition, label](AsyncSelf& self) {
    Scope scope{*this, label, nullptr, &self};
    run(definition.body, scope);
  }};
}

Ref World::make(const std::string& name) {
  const Definition& it = definition(name);
  if (it.type == "gen") return std::make_shared<GeneratorObject>(make_generator(it));
  if (it.type == "coro") return std::make_shared<CoroutineObject>(make_coroutine(it));
  if (it.type == "agen") return make_object(make_async_generator(it));
  const char* label = next_label(name);
  if (it.type == "iter") return std::make_shared<IteratorObject>(*this, it, label);
  if (it.type == "awt") return std::make_shared<AwaitableObject>(*this, it, label);
  if (it.type == "awtbad") return std::make_shared<WrongAwaitable>(*this, it);
  if (it.type == "aiter") return std::make_shared<AsyncIterator>(*this, it);
  if (it.type == "actx") return std::make_shared<AsyncContext>(*this, it, label);
  throw std::runtime_error("there is no template type " + it.type);
}

}  // namespace conformance
