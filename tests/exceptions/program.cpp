// Exceptions and backtraces across switches, in a program that is compiled in many ways: what the
// switch tells of the stack must hold for each of them. check.py runs it, and looks with a
// debugger.
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <execinfo.h>
#include <unwind.h>

#include <weft/coro/generator.h>
#include <weft/task/gather.h>
#include <weft/task/run.h>
#include <weft/task/sleep.h>

namespace {

int failures = 0;

void check(bool good, const char* what) {
  if (good) return;
  ++failures;
  std::printf("wrong: %s\n", what);
}

std::string current() {
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

// ---- catch blocks

/// Suspends in two catch blocks, one in the other, and leaves both by `throw;`.
std::string nested(const std::string& name, const std::function<void()>& suspend) {
  std::string seen;
  try {
    try {
      throw std::runtime_error(name + "1");
    } catch (const std::exception&) {
      suspend();
      seen += current() + ' ';
      try {
        suspend();
        throw std::logic_error(name + "2");
      } catch (...) {
        suspend();
        seen += current() + ' ';
      }
      suspend();
      seen += current() + ' ';
      throw;
    }
  } catch (const std::runtime_error& error) {
    suspend();
    seen += std::string("again ") + error.what() + ' ';
  }
  suspend();
  return seen + current();
}

std::string expected(const std::string& name) {
  return name + "1 " + name + "2 " + name + "1 again " + name + "1 none";
}

void interleaved_catch_blocks() {
  const auto [a, b, c] =
      weft::gather([] { return nested("a", weft::yield_now); },
                   [] {
                     weft::yield_now();  // out of step with the others
                     return nested("b", weft::yield_now);
                   },
                   [] { return nested("c", [] { weft::sleep(std::chrono::nanoseconds(1)); }); });
  check(a == expected("a"), "nested catch blocks of the first task");
  check(b == expected("b"), "nested catch blocks of the second task");
  check(c == expected("c"), "nested catch blocks of a task that sleeps");
}

void catch_blocks_of_generators() {
  const auto body = [](std::string name, std::string& seen) {
    return weft::Generator<int>(
        [name, &seen](auto& self) { seen = nested(name, [&] { self.yield(1); }); });
  };
  std::string first;
  std::string second;
  weft::Generator<int> one = body("one", first);
  weft::Generator<int> two = body("two", second);
  try {
    throw std::runtime_error("mine");
  } catch (const std::exception&) {
    while (one.next()) {
      check(current() == "mine", "the exception of the consumer");
      two.next();
    }
    two.next();
  }
  check(first == expected("one") && second == expected("two"), "catch blocks of generators");
  check(current() == "none", "what is handled at the end");
}

// ---- scope guards

/// Tells in its destructor whether an exception is on its way that was not there before, after a
/// suspension that lets others throw.
class Guard {
 public:
  explicit Guard(std::string& log) : log_(log) {}
  ~Guard() {
    weft::yield_now();
    log_ += std::uncaught_exceptions() > before_ ? 'f' : 's';
    weft::yield_now();
  }

 private:
  std::string& log_;
  int before_ = std::uncaught_exceptions();
};

/// A guard that fails, and one in its unwinding that does not, since it is in a destructor.
struct Outer {
  std::string& log;
  ~Outer() { const Guard inner(log); }
};

std::string guarded() {
  std::string log;
  for (int i = 0; i < 3; ++i) {
    try {
      const Guard guard(log);
      const Outer outer{log};
      weft::yield_now();
      if (i != 1) throw std::runtime_error("guarded");
    } catch (const std::exception&) {
      weft::yield_now();
    }
  }
  log += char('0' + std::uncaught_exceptions());
  return log;
}

void scope_guards() {
  const auto [a, b] = weft::gather(guarded, [] {
    weft::yield_now();
    return guarded();
  });
  check(a == "sfsssf0" && b == a, "scope guards");
}

// ---- frames

struct Trace {
  std::vector<void*> functions;  // innermost first
  bool ended = false;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* argument) {
  auto& trace = *static_cast<Trace*>(argument);
  const auto ip = _Unwind_GetIP(context);
  if (ip == 0) return _URC_NO_REASON;
  trace.functions.push_back(_Unwind_FindEnclosingFunction(reinterpret_cast<void*>(ip - 1)));
  return trace.functions.size() < 100 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

}  // namespace

// Neither inlined nor cloned, for the debugger, and told apart by what they do, or the linker might
// fold them.
#ifdef __clang__
#define WHOLE gnu::noinline
#else
#define WHOLE gnu::noipa
#endif

extern "C" {

volatile int depth = 0;

[[WHOLE]] void look_here() {
  depth = depth + 1;
  asm volatile("" : : : "memory");
}

[[WHOLE]] void innermost(const std::function<void()>& suspend, Trace* trace) {
  suspend();
  look_here();
  _Unwind_Backtrace(visit, trace);
  void* frames[100];
  const int count = backtrace(frames, 100);
  check(count > 3 && count < 100, "the end of backtrace(3)");
  check(std::size_t(count) - trace->functions.size() <= 1, "the frames of backtrace(3)");
  throw std::runtime_error("from the depth");
}

[[WHOLE]] int middle(const std::function<void()>& suspend, Trace* trace) {
  volatile char large[5000];
  large[depth] = 1;
  innermost(suspend, trace);
  return large[depth];
}

[[WHOLE]] int outermost(const std::function<void()>& suspend, Trace* trace) {
  const int got = middle(suspend, trace) + 1;
  asm volatile("" : : : "memory");
  return got;
}
}

namespace {

void check_frames(const Trace& trace, const char* what) {
  std::size_t at = 0;
  for (void* function : {reinterpret_cast<void*>(&innermost), reinterpret_cast<void*>(&middle),
                         reinterpret_cast<void*>(&outermost)}) {
    while (at < trace.functions.size() && trace.functions[at] != function) ++at;
    check(at < trace.functions.size(), what);
  }
  check(trace.functions.size() - at < 30, "the end of a backtrace");
}

bool thrown_through(const std::function<void()>& suspend, Trace* trace) {
  try {
    return outermost(suspend, trace) < 0;
  } catch (const std::runtime_error& error) {
    return std::string(error.what()) == "from the depth";
  }
}

void frames_of_a_task() {
  Trace trace;
  const auto [thrown, other] = weft::gather([&] { return thrown_through(weft::yield_now, &trace); },
                                            [] {
                                              weft::yield_now();
                                              return 0;
                                            });
  check(thrown && other == 0, "an exception through frames of a task");
  check_frames(trace, "the frames of a task");
}

void frames_of_a_generator() {
  Trace trace;
  weft::Generator<int> generator([&](auto& self) { outermost([&] { self.yield(1); }, &trace); });
  generator.next();
  bool thrown = false;
  try {
    generator.next();
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  check(thrown, "an exception out of a generator");
  check_frames(trace, "the frames of a generator");
}

/// Two tasks hand the same exception on, while either is being handled.
void one_exception_in_two_tasks() {
  std::exception_ptr shared;
  const auto [a, b] = weft::gather(
      [&] {
        try {
          throw std::runtime_error("shared");
        } catch (const std::exception&) {
          shared = std::current_exception();
          weft::yield_now();
          weft::yield_now();
          return current();
        }
      },
      [&] {
        try {
          std::rethrow_exception(shared);
        } catch (const std::exception&) {
          weft::yield_now();
          return current();
        }
      });
  check(a == "shared" && b == "shared", "an exception that two tasks handle");
}

}  // namespace

int main() {
  weft::run([] {
    interleaved_catch_blocks();
    catch_blocks_of_generators();
    scope_guards();
    frames_of_a_task();
    frames_of_a_generator();
    one_exception_in_two_tasks();
  });
  catch_blocks_of_generators();
  frames_of_a_generator();
  std::printf("%d wrong\n", failures);
  return failures != 0;
}
