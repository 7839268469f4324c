// Very many parked tasks, each with a guarded stack of its own: what they take, and that all of
// them go on.
//
// usage: parked [--tasks N] [--batch N] [--limit BYTES]
//   --batch  how many are made before they take their first steps; 0: all at once
//   --limit  bytes that a task may take, resident memory and page tables together
// WEFT_STACK_GUARD=mprotect: with the guards that work anywhere, of which there are fewer.
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/weft.h>

#include "census.h"

namespace {

struct Settings {
  std::size_t tasks = 1'000'000;
  std::size_t batch = 4096;
  std::size_t limit = 4831;  // 4.5 GiB for a million
};

struct Park {
  weft::Event event;
  std::size_t parked = 0, woken = 0, failed = 0;
  std::string error;
};

[[gnu::noinline]] void rest(Park& park) {
  ++park.parked;
  park.event.wait();
  ++park.woken;
}

bool check(bool good, const char* what) {
  if (!good) std::printf("parked: %s: FAILED\n", what);
  return good;
}

bool measure(const Settings& settings, const Park& park, std::size_t memory_before,
             std::size_t mappings_before) {
  constexpr std::size_t kMappings = 100;
  const double gib = 1024.0 * 1024 * 1024;
  const std::size_t resident = memory("VmRSS:") + memory("VmPTE:") - memory_before;
  const std::size_t mapped = mappings() - mappings_before;
  const bool light = weft::guard_kind() == weft::GuardKind::Light;
  std::printf(
      "parked: %zu tasks, guards by %s: %.3f GiB resident + %.3f GiB of page tables, %zu "
      "bytes a task, %zu mappings\n",
      park.parked, light ? "MADV_GUARD_INSTALL" : "mprotect", double(memory("VmRSS:")) / gib,
      double(memory("VmPTE:")) / gib, resident / park.parked, mapped);
  if (park.failed > 0)
    std::printf("parked: %zu more found no stack: %s\n", park.failed, park.error.c_str());
  bool good = check(resident / park.parked <= settings.limit, "more memory than is allowed");
  if (light) good &= check(mapped < kMappings, "more mappings than are allowed");
  return good;
}

bool park_and_wake(const Settings& settings) {
  const std::size_t memory_before = memory("VmRSS:") + memory("VmPTE:");
  const std::size_t mappings_before = mappings();
  Park park;
  weft::get_running_loop().set_exception_handler([&park](const weft::ExceptionContext& context) {
    ++park.failed;  // a task that nobody asks for its exception
    park.error = weft::describe(context.exception);
  });
  for (std::size_t i = 0; i < settings.tasks; ++i) {
    weft::create_task([&park] { rest(park); });
    if (settings.batch > 0 && i % settings.batch == settings.batch - 1) weft::yield_now();
  }
  while (park.parked + park.failed < settings.tasks) weft::yield_now();
  bool good = measure(settings, park, memory_before, mappings_before);
  if (weft::guard_kind() == weft::GuardKind::Light) good &= check(park.failed == 0, "all parked");
  park.event.set();
  while (weft::all_tasks().size() > 1) weft::yield_now();
  good &= check(park.woken == park.parked, "all went on");
  weft::get_running_loop().set_exception_handler(nullptr);
  return check(weft::stack_statistics().in_use == 1, "all stacks came back") && good;
}

Settings parse(int count, char** arguments) {
  Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view option = arguments[i];
    const std::size_t value = std::stoul(arguments[i + 1]);
    if (option == "--tasks") settings.tasks = value;
    if (option == "--batch") settings.batch = value;
    if (option == "--limit") settings.limit = value;
  }
  return settings;
}

}  // namespace

constexpr int kSkipped = 77;  // as meson has it

int main(int count, char** arguments) {
  const Settings settings = parse(count, arguments);
  if (available_memory() < settings.tasks * settings.limit) {
    std::printf("parked: skipped: %zu tasks may take %zu MiB, and the system has %zu\n",
                settings.tasks, settings.tasks * settings.limit >> 20, available_memory() >> 20);
    return kSkipped;
  }
  const bool good = weft::run([&] { return park_and_wake(settings); });
  std::printf("parked: %s\n", good ? "passed" : "FAILED");
  return good ? 0 : 1;
}
