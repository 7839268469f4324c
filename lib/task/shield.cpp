#include <weft/task/shield.h>

#include <memory>

#include <weft/base/errors.h>

namespace weft::detail {

struct Shield::Guard final : DoneCallback {
  Shield& shield;
  explicit Guard(Shield& s) noexcept : shield(s) {}
  void invoke() override { shield.leave(); }
};

Shield::Shield(FutureBase& inner, FutureBase& outer) : outer_(outer) {
  outer_done_ = outer.add_done_callback(std::make_unique<Guard>(*this));
  listen(*inner.loop, {&inner});
}

Shield::~Shield() { outer_done_.cancel(); }

void Shield::on_done(FutureBase& inner) {
  if (outer_.is_cancelled()) {
    inner.unretrieved = false;
    return;
  }
  try {
    if (inner.is_cancelled()) {
      outer_.cancel({});
    } else if (inner.error) {
      inner.unretrieved = false;
      outer_.set_exception(inner.error);
    } else {
      pass_result();
    }
  } catch (...) {  // somebody else has set it
    report(*inner.loop, {"Exception in callback", std::current_exception(), {}});
  }
}

}  // namespace weft::detail
