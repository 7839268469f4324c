#include <weft/task/listening.h>

#include <unordered_set>

#include <weft/base/errors.h>

namespace weft::detail {

void Listening::listen(LoopCore& loop, const std::vector<FutureBase*>& futures) {
  if (futures.empty()) return;
  nodes_ = std::make_unique<Node[]>(futures.size());
  loop_ = &loop;
  size_ = outstanding_ = futures.size();
  loop.keep(*this);
  hold();
  for (std::size_t i = 0; i < size_; ++i) {
    Node& node = nodes_[i];
    node.owner = this;
    node.future = futures[i];
    node.on_future = true;
    node.future->add_callback(node);
  }
}

void Listening::leave(bool ignore_errors) noexcept {
  std::size_t left = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    Node& node = nodes_[i];
    if (!node.on_future || !node.future->remove_callback(node)) continue;
    node.on_future = false;
    if (ignore_errors) node.future->ignored = true;
    ++left;
  }
  settle(left);
}

void Listening::hear(Runnable* self) {
  auto& node = *static_cast<Node*>(self);
  Listening& owner = *node.owner;
  node.on_future = false;
  if (!owner.loop_->closed) owner.on_done(*node.future);
  owner.settle(1);
}

void Listening::loop_closes(Kept* self) noexcept {
  auto& it = static_cast<Listening&>(*self);
  it.loop_->forget(it);
  it.leave();
}

void Listening::settle(std::size_t nodes) noexcept {
  if (nodes == 0) return;
  outstanding_ -= nodes;
  if (outstanding_ != 0) return;
  loop_->forget(*this);
  let_go();
}

std::vector<FutureBase*> without_duplicates(const std::vector<FutureBase*>& futures) {
  std::unordered_set<const FutureBase*> seen;
  std::vector<FutureBase*> result;
  for (FutureBase* future : futures)
    if (seen.insert(future).second) result.push_back(future);
  return result;
}

void check_loop(const std::vector<FutureBase*>& futures, const LoopCore& loop) {
  for (const FutureBase* future : futures)
    if (future->loop != &loop) throw ValueError("futures: one belongs to another loop");
}

}  // namespace weft::detail
