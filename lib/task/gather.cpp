#include <weft/task/gather.h>

#include <memory>

#include <weft/base/errors.h>

namespace weft::detail {

void Gathering::Leave::operator()(Gathering* gathering) const noexcept {
  gathering->leave(false);
  release(gathering);
}

Gathering::Owner Gathering::make(LoopCore& loop, std::vector<FutureBase*> children,
                                 bool keep_errors) {
  Owner gathering(new Gathering(loop));
  gathering->keep_errors_ = keep_errors;
  for (FutureBase* future : children) {
    auto child = std::make_unique<Child>(&Gathering::child_done);
    child->gathering = gathering.get();
    child->future = future;
    retain(*gathering);  // given back when the child is done
    future->add_callback(*child);
    gathering->children_.push_back(std::move(child));
  }
  if (children.empty()) gathering->finish();
  return gathering;
}

Gathering::~Gathering() {
  for (const auto& child : children_) release(child->future);
}

void Gathering::child_done(Runnable* self) {
  auto& child = *static_cast<Child*>(self);
  Gathering& gathering = *child.gathering;
  if (!gathering.loop->closed) gathering.on_child(*child.future);
  release(&gathering);
}

void Gathering::on_child(FutureBase& child) {
  ++finished_;
  if (done()) {
    child.unretrieved = false;  // the first exception is the one that counts
    return;
  }
  if (child.error && !keep_errors_) {
    child.unretrieved = false;
    error = child.error;
    finish();
    return leave(true);
  }
  if (finished_ < children_.size()) return;
  if (cancel_requested_) error = std::make_exception_ptr(CancelledError());
  finish();
}

void Gathering::leave(bool ignore_errors) noexcept {
  for (const auto& child : children_) {
    if (!child->future->remove_callback(*child)) continue;
    child->future->ignored = ignore_errors;
    release(this);
  }
}

bool Gathering::cancel(const CancelMessage& message) {
  if (done()) return false;
  bool any = false;
  for (const auto& child : children_) any |= child->future->cancel(message);
  cancel_requested_ |= any;
  return any;
}

void wait_for_all(std::vector<FutureBase*> children) {
  const Gathering::Owner all = Gathering::make(require_loop("gather"), std::move(children));
  all->wait();
  all->check_result();
}

}  // namespace weft::detail
