// Launches side by side in one thread: each is an ordinary function that sleeps.
//
//   countdown [LABEL:LENGTH[:DELAY]]...      countdown A:5 B:3:2 C:4:1

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include <weft/weft.h>

using namespace std::chrono_literals;

struct Launch {
  std::string label;
  int length = 0;
  std::chrono::seconds delay{0};
};

double in_seconds(weft::Duration span) { return std::chrono::duration<double>(span).count(); }

void countdown(const Launch& launch) {
  const weft::TimePoint start = weft::now();
  weft::sleep(launch.delay);
  fmt::print("{} waited {:.1f} s\n", launch.label, in_seconds(weft::now() - start));
  for (int left = launch.length; left > 0; --left) {
    fmt::print("{} T-minus {}\n", launch.label, left);
    weft::sleep(1s);
  }
  fmt::print("{} lift-off!\n", launch.label);
}

int number(std::string_view text, std::string_view argument) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0)
    throw weft::ValueError(fmt::format("'{}': '{}' is no number of seconds", argument, text));
  return value;
}

Launch parse(std::string_view argument) {
  const auto colon = argument.find(':');
  if (colon == 0 || colon == argument.npos)
    throw weft::ValueError(fmt::format("'{}' is not LABEL:LENGTH[:DELAY]", argument));
  const std::string_view rest = argument.substr(colon + 1);
  const auto second = rest.find(':');
  Launch launch{std::string(argument.substr(0, colon)), number(rest.substr(0, second), argument)};
  if (second != rest.npos)
    launch.delay = std::chrono::seconds(number(rest.substr(second + 1), argument));
  return launch;
}

int main(int count, char** arguments) try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::vector<Launch> launches;
  for (int i = 1; i < count; ++i) launches.push_back(parse(arguments[i]));
  if (launches.empty()) launches = {{"A", 5}, {"B", 3, 2s}, {"C", 4, 1s}};

  weft::run([&] {
    const weft::TimePoint start = weft::now();
    std::vector<weft::Task<>> rockets;
    for (const Launch& launch : launches) rockets.push_back(weft::create_task(countdown, launch));
    weft::gather(rockets);
    fmt::print("total {:.1f} s\n", in_seconds(weft::now() - start));
  });
} catch (const weft::ValueError& error) {
  fmt::print(stderr, "countdown: {}\n", error.what());
  return 2;
} catch (const weft::KeyboardInterrupt&) {
  return 130;
}
