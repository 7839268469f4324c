#include <weft/task/gather.h>

#include <weft/base/errors.h>

namespace weft::detail {

void Gathering::start(LoopCore& loop, std::vector<FutureBase*> futures, bool keep_errors) {
  check_loop(futures, loop);
  futures_ = std::move(futures);
  keep_errors_ = keep_errors;
  if (futures_.empty()) return on_last();
  listen(loop, without_duplicates(futures_));
}

void Gathering::on_done(FutureBase& future) {
  ++finished_;
  if (outer_.done()) {
    future.unretrieved = false;  // the first exception is the one that counts
    return;
  }
  if (future.error && !keep_errors_) {
    outer_.fail(future.take_error());
    return leave(true);
  }
  if (finished_ == size()) on_last();
}

void Gathering::on_last() {
  if (cancel_requested_) {
    for (FutureBase* future : futures_) future->unretrieved = false;
    FutureBase& last = *futures_.back();
    outer_.fail(last.is_cancelled() ? last.take_error() : last.make_cancelled());
    return;
  }
  try {
    collect();
  } catch (...) {  // a result that cannot be copied or is there twice
    return outer_.fail(std::current_exception());
  }
  outer_.finish();
}

bool Gathering::cancel_all(const CancelMessage& message) {
  if (outer_.done()) return false;
  bool any = false;
  for (FutureBase* future : futures_) any |= future->cancel(message);
  cancel_requested_ |= any;
  return any;
}

std::exception_ptr error_to_list(FutureBase& future) {
  future.unretrieved = false;
  if (!future.is_cancelled() || future.has_message) return future.error;
  return std::make_exception_ptr(CancelledError(std::string()));
}

}  // namespace weft::detail
