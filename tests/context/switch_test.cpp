#include <weft/context/switch.h>

#include <cfenv>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unwind.h>

#include <doctest/doctest.h>

#include "../child.h"
#include "puppet.h"

using namespace weft;
using namespace weft::detail;

extern "C" void weft_start();  // the first frame of every context

TEST_SUITE_BEGIN("switch");

namespace {

std::string message_of(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("start, switch and leave make a round trip") {
  std::vector<std::string> log;
  Puppet puppet([&](Puppet& self) {
    log.push_back("started");
    self.pause();
    log.push_back("resumed");
  });
  log.push_back("made");
  puppet.resume();
  log.push_back("paused");
  puppet.resume();
  CHECK(puppet.done());
  CHECK(log == std::vector<std::string>{"made", "started", "paused", "resumed"});
}

TEST_CASE("a context may start and drive another one") {
  std::string log;
  Puppet outer([&](Puppet& self) {
    Puppet inner([&](Puppet& inner_self) {
      log += 'a';
      inner_self.pause();
      log += 'c';
    });
    inner.resume();
    log += 'b';
    self.pause();
    inner.resume();
    log += 'd';
  });
  outer.resume();
  log += '|';
  outer.resume();
  CHECK(log == "ab|cd");
}

TEST_CASE("a context may be resumed from another one than before") {
  int turns = 0;
  Puppet worker([&](Puppet& self) {
    for (; turns < 4; ++turns) self.pause();
  });
  worker.resume();
  Puppet other([&](Puppet&) { worker.resume(); });
  other.resume();
  worker.resume();
  CHECK(turns == 2);
  worker.resume();
  worker.resume();
}

TEST_CASE("suspended catch blocks keep their own exception") {
  std::string rethrown[2];
  std::string current[2];
  const auto body = [&](int i, const char* what) {
    return [&, i, what](Puppet& self) {
      try {
        try {
          throw std::runtime_error(what);
        } catch (...) {
          self.pause();
          current[i] = message_of(std::current_exception());
          throw;
        }
      } catch (const std::exception& e) {
        rethrown[i] = e.what();
      }
    };
  };
  Puppet first(body(0, "first"));
  Puppet second(body(1, "second"));
  first.resume();
  second.resume();
  first.resume();  // not in the order that a common stack of exceptions would need
  second.resume();
  CHECK(current[0] == "first");
  CHECK(rethrown[0] == "first");
  CHECK(current[1] == "second");
  CHECK(rethrown[1] == "second");
}

TEST_CASE("a context that starts inside a catch block handles no exception") {
  std::string seen;
  Puppet puppet([&](Puppet&) { seen = message_of(std::current_exception()); });
  try {
    throw std::runtime_error("outside");
  } catch (const std::exception&) {
    puppet.resume();
    CHECK(message_of(std::current_exception()) == "outside");
  }
  CHECK(seen == "nothing");
  CHECK(std::current_exception() == nullptr);
}

TEST_CASE("uncaught_exceptions() counts those of the own context") {
  struct Pauser {
    Puppet& self;
    int& count;
    ~Pauser() {
      self.pause();
      count = std::uncaught_exceptions();
    }
  };
  int unwinding = -1;
  Puppet puppet([&](Puppet& self) {
    try {
      Pauser pauser{self, unwinding};
      throw std::runtime_error("in flight");
    } catch (const std::exception&) {
    }
  });
  puppet.resume();
  CHECK(std::uncaught_exceptions() == 0);
  CHECK_THROWS_AS(throw std::logic_error("elsewhere"), std::logic_error);
  puppet.resume();
  CHECK(unwinding == 1);
  CHECK(std::uncaught_exceptions() == 0);
}

TEST_CASE("values in registers survive a switch, on both sides") {
  volatile int seed = 3;
  const auto churn = [&](auto&& between) {
    const std::uint64_t a = std::uint64_t(seed), b = a * 5, c = b * 7, d = c * 11, e = d ^ a;
    const std::uint64_t f = e * 13, g = f + b;
    const double x = double(a) / 7, y = x * 1.5, z = y - 0.25;
    const float u = float(x) * 2;
    const long double w = (long double)(x) / 3;
    std::uint64_t whole = 0;
    long double fraction = 0;
    for (int i = 0; i < 10; ++i) {
      between();
      whole += a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7;
      fraction += w + x + y * z + u;
    }
    return std::pair(whole, fraction);
  };
  const auto expected = churn([] {});
  std::pair<std::uint64_t, long double> there;
  Puppet puppet([&](Puppet& self) {
    seed = 3;
    there = churn([&] {
      self.pause();
      seed = 3;
    });
  });
  puppet.resume();
  const auto here = churn([&] {
    seed = 1000;
    puppet.resume();
    seed = 3;
  });
  CHECK(puppet.done());
  CHECK(here == expected);
  CHECK(there == expected);
}

TEST_CASE("the rounding mode belongs to the context") {
  int inside = -1;
  Puppet puppet([&](Puppet& self) {
    std::fesetround(FE_UPWARD);
    self.pause();
    inside = std::fegetround();
  });
  puppet.resume();
  CHECK(std::fegetround() == FE_TONEAREST);
  puppet.resume();
  CHECK(inside == FE_UPWARD);
  CHECK(std::fegetround() == FE_TONEAREST);
}

#if defined(__x86_64__)

namespace {

unsigned int sse_flags() {
  unsigned int control = 0;
  asm volatile("stmxcsr %0" : "=m"(control));
  return control & 0x3f;
}

}  // namespace

TEST_CASE("the sticky float flags are set, so that no two contexts differ in them") {
  prepare_thread();
  if (under_valgrind()) return;  // it has no such flags
  CHECK(sse_flags() == 0x3f);
}

TEST_CASE("kept float flags: in a process of its own" * doctest::skip()) {
  prepare_thread();
  CHECK(sse_flags() == 0);
}

TEST_CASE("WEFT_FLOAT_FLAGS=keep leaves the sticky float flags alone") {
  CHECK(passes_with("WEFT_FLOAT_FLAGS=keep", "kept float flags: in a process*"));
}

#endif

TEST_CASE("frames in a context are aligned as the ABI wants it") {
  const auto misaligned = [] {
    alignas(16) char local[16];
    void* address = local;
    asm volatile("" : "+r"(address) : : "memory");  // the compiler thinks it knows the answer
    return reinterpret_cast<std::uintptr_t>(address) % 16;
  };
  std::uintptr_t first = 1;
  std::uintptr_t later = 1;
  Puppet puppet([&](Puppet& self) {
    first = misaligned();
    self.pause();
    later = misaligned();
  });
  puppet.resume();
  puppet.resume();
  CHECK(first == 0);
  CHECK(later == 0);
}

namespace {

struct Frames {
  int count = 0;
  void* outermost = nullptr;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* argument) {
  auto& frames = *static_cast<Frames*>(argument);
  if (const auto ip = _Unwind_GetIP(context)) frames.outermost = reinterpret_cast<void*>(ip - 1);
  return ++frames.count < 100 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

[[gnu::noinline]] Frames backtrace_from(int depth) {
  Frames frames;
  if (depth > 0)
    frames = backtrace_from(depth - 1);
  else
    _Unwind_Backtrace(visit, &frames);
  asm volatile("" : : : "memory");  // no tail call
  return frames;
}

}  // namespace

TEST_CASE("a backtrace from a context ends at its first frame") {
  Frames frames;
  Puppet puppet([&](Puppet& self) {
    self.pause();
    frames = backtrace_from(5);
  });
  puppet.resume();
  puppet.resume();
  CHECK(frames.count >= 6);
  CHECK(frames.count < 40);
  CHECK(_Unwind_FindEnclosingFunction(frames.outermost) == reinterpret_cast<void*>(&weft_start));
}

TEST_CASE("exceptions unwind frames of a context that was suspended in them") {
  std::string log;
  Puppet puppet([&](Puppet& self) {
    struct Mark {
      std::string& log;
      ~Mark() { log += "unwound "; }
    };
    try {
      Mark mark{log};
      self.pause();
      throw std::runtime_error("after the switch");
    } catch (const std::exception& e) {
      log += e.what();
    }
  });
  puppet.resume();
  puppet.resume();
  CHECK(log == "unwound after the switch");
}

TEST_CASE("a used stack can be written from outside, also where its last frames have been") {
  std::byte* used = nullptr;
  {
    Puppet puppet([](Puppet&) { backtrace_from(5); });
    used = puppet.stack().bottom;
    puppet.resume();
  }
  const Stack stack = acquire_stack();
  REQUIRE(stack.bottom == used);
  for (std::byte* at = stack.top - 4096; at != stack.top; ++at) *at = std::byte(1);
  CHECK(stack.top[-4096] == std::byte(1));
  release_stack(stack);
}

TEST_CASE("every thread can switch") {
  int turns = 0;
  std::thread([&] {
    Puppet puppet([&](Puppet& self) {
      for (; turns < 1000; ++turns) self.pause();
    });
    while (!puppet.done()) puppet.resume();
  }).join();
  CHECK(turns == 1000);
}

TEST_SUITE_END();
