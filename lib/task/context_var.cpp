#include <weft/task/context_var.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include <weft/loop/core.h>
#include <weft/task/task_base.h>

namespace weft {

namespace detail {

namespace {

struct Entry {
  std::uint64_t variable;
  ContextValue value;
};
using Entries = std::vector<Entry>;

/// Copies of a context share the entries until one of them sets something; they may belong to
/// different threads.
class SharedEntries {
 public:
  SharedEntries() noexcept = default;
  SharedEntries(const SharedEntries& other) noexcept : block_(other.block_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  SharedEntries& operator=(SharedEntries other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedEntries() {
    if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete block_;
  }

  const Entries& read() const noexcept {
    static const Entries none;
    return block_ ? block_->entries : none;
  }

  /// To be changed: nobody else's from here on. What the others did with them happened before.
  Entries& own() {
    if (!block_)
      block_ = new Block;
    else if (block_->references.load(std::memory_order_acquire) > 1)
      *this = SharedEntries(new Block{block_->entries});
    return block_->entries;
  }

 private:
  struct Block {
    Entries entries = {};
    std::atomic<std::uint32_t> references{1};
  };
  explicit SharedEntries(Block* block) noexcept : block_(block) {}

  Block* block_ = nullptr;
};

}  // namespace

struct ContextData {
  std::atomic<std::uint32_t> references{1};
  bool entered = false;  // by Context::run()
  SharedEntries entries;

  ContextData();  // from the first one on, callbacks have contexts
};

void retain(ContextData& data) noexcept { data.references.fetch_add(1, std::memory_order_relaxed); }
void release(ContextData* data) noexcept {
  if (data->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete data;
}

namespace {

/// What callbacks run in, and what runs outside loops.
ContextRef& thread_context() noexcept {
  thread_local ContextRef context;
  return context;
}

ContextRef& present_slot() noexcept {
  TaskBase* task = current_task_base();
  return task ? task->variables : thread_context();
}

template <class List>
auto place_of(List& entries, std::uint64_t variable) noexcept {
  return std::ranges::lower_bound(entries, variable, {}, &Entry::variable);
}

void* enter(void* context) noexcept {
  return std::exchange(thread_context(), ContextRef(static_cast<ContextData*>(context))).give();
}

/// For the callbacks of loops: in a copy each of what was present when they were scheduled.
constexpr ContextHooks kHooks{
    .capture = []() -> void* { return copy_of_present_context().give(); },
    .enter = enter,
    .leave = enter,  // what was there before
    .drop = [](void* context) noexcept { release(static_cast<ContextData*>(context)); }};

}  // namespace

ContextData::ContextData() { context_hooks.store(&kHooks, std::memory_order_release); }

namespace {

ContextData& name_present() {
  ContextRef& slot = present_slot();
  if (!slot.get()) slot = ContextRef(new ContextData);
  return *slot.get();
}

}  // namespace

std::uint64_t new_variable() noexcept {
  static std::atomic<std::uint64_t> count{0};
  return ++count;
}

ContextValue find_in_context(std::uint64_t variable) noexcept {
  const ContextData* data = present_slot().get();
  if (!data) return nullptr;
  const Entries& entries = data->entries.read();
  const auto it = place_of(entries, variable);
  return it != entries.end() && it->variable == variable ? it->value : nullptr;
}

ContextValue exchange_in_context(std::uint64_t variable, ContextValue value) {
  Entries& entries = name_present().entries.own();
  const auto it = place_of(entries, variable);
  const bool found = it != entries.end() && it->variable == variable;
  if (!value) {
    ContextValue old = found ? std::move(it->value) : nullptr;
    if (found) entries.erase(it);
    return old;
  }
  if (found) return std::exchange(it->value, std::move(value));
  entries.insert(it, {variable, std::move(value)});
  return nullptr;
}

ContextRef present_context() {
  name_present();
  return present_slot();
}

ContextRef copy_of_present_context() {
  const ContextData* data = present_slot().get();
  if (!data || data->entries.read().empty()) return {};
  ContextRef copy(new ContextData);
  copy.get()->entries = data->entries;
  return copy;
}

void raise_no_value(const std::string& name) {
  throw LookupError("ContextVar '" + name + "' has no value");
}

void reset_in_context(std::uint64_t variable, TokenState& token) {
  if (token.used) throw RuntimeError("Token has already been used once");
  if (token.variable != variable) throw ValueError("Token was created by a different ContextVar");
  if (token.context.get() != present_slot().get())
    throw ValueError("Token was created in a different Context");
  token.used = true;
  exchange_in_context(variable, std::move(token.old));
}

}  // namespace detail

Context::Context() : data_(new detail::ContextData) {}

std::size_t Context::size() const noexcept { return data_.get()->entries.read().size(); }

Context::Entered::Entered(detail::ContextRef context) : context_(std::move(context)) {
  if (context_.get()->entered || context_.get() == detail::present_slot().get())
    throw RuntimeError("cannot enter context: it has been entered already");
  context_.get()->entered = true;
  previous_ = std::exchange(detail::present_slot(), context_);
}

Context::Entered::~Entered() {
  context_.get()->entered = false;
  detail::present_slot() = std::move(previous_);
}

Context copy_context() {
  detail::ContextRef copy = detail::copy_of_present_context();
  return copy.get() ? Context(std::move(copy)) : Context();
}

}  // namespace weft
