// What variables refer to.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include <weft/coro/async_generator.h>
#include <weft/coro/coroutine.h>
#include <weft/coro/generator.h>

#include "value.h"

namespace conformance {

using Generator = weft::Generator<Value, Value, Value>;
using Coroutine = weft::Coroutine<Value>;
using Self = Generator::Self;
using AsyncGenerator = weft::AsyncGenerator<Value, Value>;
using AsyncSelf = AsyncGenerator::Self;

class Object;
using Ref = std::shared_ptr<Object>;

/// A step of an asynchronous generator.
enum class AsyncVerb { Next, Send, Throw, Close };

struct AsyncCall {
  AsyncVerb verb = AsyncVerb::Next;
  Value value{};               // of Send
  std::exception_ptr error{};  // of Throw
};

/// An instance of a template. An operation that its type lacks throws AttributeError.
class Object : public std::enable_shared_from_this<Object> {
 public:
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;

  // Steps give what was yielded, and throw StopIteration at the end.
  virtual Value next();
  virtual Value send(Value value);
  virtual Value throw_(std::exception_ptr error);
  virtual void close();

  virtual std::string state() const;
  virtual bool is_delegating() const;

  // These may outlive the object: what they need, they hold themselves.
  virtual Value yield_from(Self& self);
  virtual Value await();
  virtual std::string await_text();  // awaits, and gives the result as it is traced

  // Of asynchronous iterators and context managers; the caller holds the object.
  virtual Value anext();
  virtual Value await_step(const AsyncCall& call);
  virtual Ref make_step(const AsyncCall& call);
  virtual Value aenter();
  virtual bool aexit(std::exception_ptr error);
};

/// What a coroutine has yielded, as a value.
Value value_of(const weft::Trap& trap);

/// An asynchronous generator as an object.
Ref make_object(AsyncGenerator generator);

}  // namespace conformance
