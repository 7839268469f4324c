#include "iterator.h"

#include <utility>

namespace conformance {

namespace {

using Step = weft::Step<Value, Value>;

enum Method : unsigned { kSend = 1, kThrow = 2, kClose = 4, kAll = 7 };

/// The iterator as an object that has just these methods.
template <unsigned kMethods>
class View {
 public:
  explicit View(std::shared_ptr<IteratorObject> object) : object_(std::move(object)) {}

  Step next() { return yielded(object_->next()); }
  Step send(Value value)
    requires((kMethods & kSend) != 0)
  {
    return yielded(object_->send(value));
  }
  Step throw_(std::exception_ptr error)
    requires((kMethods & kThrow) != 0)
  {
    return yielded(object_->throw_(std::move(error)));
  }
  void close()
    requires((kMethods & kClose) != 0)
  {
    object_->close();
  }

 private:
  Step yielded(Value value) {
    last_ = value;
    return Step::yielded(last_);
  }

  std::shared_ptr<IteratorObject> object_;
  Value last_;
};

template <unsigned kMethods = 0>
Value delegate(Self& self, unsigned methods, std::shared_ptr<IteratorObject> object) {
  if constexpr (kMethods < kAll)
    if (methods != kMethods) return delegate<kMethods + 1>(self, methods, std::move(object));
  return self.yield_from(View<kMethods>(std::move(object)));
}

}  // namespace

const Tokens& IteratorObject::method(const std::string& name) const {
  const auto at = definition_.options.find(name);
  if (at == definition_.options.end()) throw weft::AttributeError();
  return at->second;
}

Value IteratorObject::advance() {
  const auto& options = definition_.options;
  if (const auto values = options.find("values");
      values != options.end() && position_ < values->second.size())
    return read_value(values->second[position_++]);
  if (const auto failure = options.find("fail"); failure != options.end())
    std::rethrow_exception(make_error(failure->second, 0));
  if (const auto result = options.find("ret"); result != options.end())
    throw weft::StopIteration::with(read_value(result->second.at(0)));
  throw weft::StopIteration();
}

Value IteratorObject::act(const Tokens& action) {
  if (action.empty()) return advance();
  if (action[0] == "value") return read_value(action.at(1));
  if (action[0] == "raise") std::rethrow_exception(make_error(action, 1));
  if (action[0] != "return") return advance();
  throw action.size() > 1 ? weft::StopIteration::with(read_value(action[1]))
                          : weft::StopIteration();
}

Value IteratorObject::next() {
  log("next");
  return advance();
}

Value IteratorObject::send(Value value) {
  const Tokens& action = method("send");
  log("send " + text(value));
  return act(action);
}

Value IteratorObject::throw_(std::exception_ptr error) {
  const Tokens& action = method("throw");
  log("throw " + text(error));
  if (action.at(0) == "same") std::rethrow_exception(error);
  return act(action);
}

void IteratorObject::close() {
  const Tokens& action = method("close");
  log("close");
  if (action.at(0) == "raise") act(action);
}

Value IteratorObject::yield_from(Self& self) {
  const unsigned methods =
      (has("send") ? kSend : 0U) | (has("throw") ? kThrow : 0U) | (has("close") ? kClose : 0U);
  return delegate(self, methods, std::static_pointer_cast<IteratorObject>(shared_from_this()));
}

}  // namespace conformance
