#include "object.h"

namespace conformance {

Value Object::next() { throw weft::AttributeError(); }
Value Object::send(Value) { throw weft::AttributeError(); }
Value Object::throw_(std::exception_ptr) { throw weft::AttributeError(); }
void Object::close() { throw weft::AttributeError(); }
std::string Object::state() const { throw weft::AttributeError(); }
bool Object::is_delegating() const { throw weft::AttributeError(); }
Value Object::yield_from(Self&) { throw weft::AttributeError(); }
Value Object::await() { throw weft::AttributeError(); }
std::string Object::await_text() { return text(await()); }
Value Object::anext() { throw weft::AttributeError(); }
Value Object::await_step(const AsyncCall&) { throw weft::AttributeError(); }
Ref Object::make_step(const AsyncCall&) { throw weft::AttributeError(); }
Value Object::aenter() { throw weft::AttributeError(); }
bool Object::aexit(std::exception_ptr) { throw weft::AttributeError(); }

Value value_of(const weft::Trap& trap) {
  if (trap.holds<std::nullopt_t>()) return {};
  return trap.holds<long>() ? trap.get<long>() : trap.get<Value>();
}

}  // namespace conformance
