// Tasks and futures as objects.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/coro/await.h>
#include <weft/task/future.h>
#include <weft/task/run.h>
#include <weft/task/shield.h>
#include <weft/task/task.h>
#include <weft/task/wait.h>

#include "interpreter.h"

namespace conformance {

/// A callback object: calling it runs the body of its template.
class CallbackObject final : public Object {
 public:
  CallbackObject(World& world, const Definition& definition)
      : world_(world), definition_(definition), label_(world.next_label(definition.name)) {}
  void operator()() const {
    Scope scope{world_, label_};
    run(definition_.body, scope);
  }

 private:
  World& world_;
  const Definition& definition_;
  const char* label_;
};

class FutureObject;
using FutureRef = std::shared_ptr<FutureObject>;

/// What can be awaited, asked and cancelled, whatever its result is.
class FutureObject : public Object {
 public:
  virtual weft::AnyFuture any() const = 0;
  virtual std::string result() const = 0;
  virtual std::exception_ptr exception() const = 0;
  virtual bool done() const = 0;
  virtual bool cancelled() const = 0;
  virtual bool cancel(const weft::CancelMessage& message) const = 0;
  virtual void set_result(Value value) const = 0;
  virtual void set_exception(std::exception_ptr error) const = 0;
  virtual FutureRef shield() const = 0;
  virtual std::string wait_for(std::optional<weft::Duration> limit) const = 0;
  virtual std::string run_in(weft::EventLoop& loop) const = 0;

  void add_done_callback(const std::shared_ptr<CallbackObject>& callback) {
    callbacks_.emplace_back(callback, listen([callback] { (*callback)(); }));
  }

  /// How many of them had not been called for.
  long remove_done_callback(const CallbackObject& callback);

 protected:
  virtual weft::Handle listen(std::function<void()> callback) const = 0;
  virtual bool take_back(const weft::Handle& callback) const = 0;

 private:
  std::vector<std::pair<std::shared_ptr<CallbackObject>, weft::Handle>> callbacks_;
};

template <class T>
struct RenderOf {
  using type = std::function<std::string(const T&)>;
};
template <>
struct RenderOf<void> {
  using type = std::function<std::string()>;
};

/// `render` says how a result is shown.
template <class T>
class FutureOf : public FutureObject {
 public:
  using Render = typename RenderOf<T>::type;

  FutureOf(weft::Future<T> future, Render render)
      : future_(std::move(future)), render_(std::move(render)) {}

  weft::AnyFuture any() const override { return future_; }
  std::string result() const override {
    return show(render_, [this] { return future_.result(); });
  }
  std::exception_ptr exception() const override { return future_.exception(); }
  bool done() const override { return future_.done(); }
  bool cancelled() const override { return future_.cancelled(); }
  bool cancel(const weft::CancelMessage& message) const override { return future_.cancel(message); }
  void set_result(Value value) const override {
    if constexpr (std::is_same_v<T, Value>)
      future_.set_result(value);
    else
      throw weft::AttributeError();
  }
  void set_exception(std::exception_ptr error) const override {
    future_.set_exception(std::move(error));
  }
  FutureRef shield() const override {
    return std::make_shared<FutureOf>(weft::shield(future_), render_);
  }
  std::string wait_for(std::optional<weft::Duration> limit) const override {
    const Render render = render_;
    const weft::Future<T> held = future_;
    return show(render, [&] { return weft::wait_for(held, limit); });
  }
  std::string run_in(weft::EventLoop& loop) const override {
    return show(render_, [&] { return weft::run_until_complete(loop, future_); });
  }
  Value await() override {
    const weft::Future<T> held = future_;
    if constexpr (std::is_same_v<T, Value>) {
      return weft::await(held);
    } else {
      weft::await(held);
      return {};
    }
  }
  std::string await_text() override {
    const Render render = render_;
    const weft::Future<T> held = future_;
    return show(render, [&] { return weft::await(held); });
  }

 protected:
  weft::Handle listen(std::function<void()> callback) const override {
    return future_.add_done_callback(std::move(callback));
  }
  bool take_back(const weft::Handle& callback) const override {
    return future_.remove_done_callback(callback);
  }

 private:
  template <class Call>
  static std::string show(const Render& render, Call call) {
    if constexpr (std::is_void_v<T>) {
      call();
      return render();
    } else {
      return render(call());
    }
  }

  weft::Future<T> future_;
  Render render_;
};

class TaskObject final : public FutureOf<Value> {
 public:
  explicit TaskObject(weft::Task<Value> made)
      : FutureOf(made, [](const Value& value) { return text(value); }), task(std::move(made)) {}

  const weft::Task<Value> task;
};

/// The object as what it must be; throws AttributeError if it is something else.
template <class T>
std::shared_ptr<T> as(const Ref& object) {
  std::shared_ptr<T> specific = std::dynamic_pointer_cast<T>(object);
  if (!specific) throw weft::AttributeError();
  return specific;
}

/// Binds the variable; what is a future lives to the end of the program.
void bind_future(World& world, const std::string& name, const FutureRef& future);

/// The program keeps it no longer: what it never told is told when it goes.
void give_up(World& world, const Ref& object);
/// Whether give_up() was called for it.
bool is_given_up(const weft::AnyTask& task);

void close_generators(weft::EventLoop& loop);

/// Whether all variables among the arguments from `first` on are bound; if not, it is traced.
bool all_bound(const Statement& statement, std::size_t first, Scope& scope);

/// A number of the language as a span or point of time, or none for `None`.
std::optional<weft::Duration> read_delay(const std::string& token);
std::optional<weft::TimePoint> read_time(const std::string& token);
std::string text(weft::TimePoint when);
std::string text(bool value);
weft::CancelMessage read_message(const Statement& statement, std::size_t at);

}  // namespace conformance
