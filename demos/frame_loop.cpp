// A game that owns its main loop: it draws 60 frames a second, and weft's tasks run inside them by
// the game's clock. A ship patrols, torpedoes are fired at it: each is a plain function.
//
//   frame_loop [FRAMES]          in real time; by default 150
//   frame_loop [FRAMES] --fast   as fast as it goes: what it draws is the same

#include <chrono>
#include <cstdlib>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/core.h>

#include <weft/weft.h>
using namespace std::chrono_literals;

constexpr weft::Duration kFrame = weft::Duration(1s) / 60;
constexpr int kWidth = 32;

struct Game {
  int ship = 20;
  bool hit = false;
  std::list<int> torpedoes;
  weft::Event next_frame;  // raised once a frame, for what moves with the picture
};

void patrol(Game& game) {
  for (int step = 1; !game.hit; game.ship += step) {
    weft::sleep(100ms);  // by the game's clock, whatever the frames do
    if (game.ship == kWidth - 2 || game.ship == 1) step = -step;
  }
}

void torpedo(Game& game) {
  const auto mine = game.torpedoes.insert(game.torpedoes.end(), 0);
  while (*mine < game.ship) {
    game.next_frame.wait();
    ++*mine;
  }
  game.hit = true;
  game.torpedoes.erase(mine);
}

void gunner(Game& game) {
  weft::sleep(750ms);
  weft::create_task([&game] { torpedo(game); });
  weft::sleep(250ms);
  weft::create_task([&game] { torpedo(game); });
}

void draw(int frame, const Game& game) {
  std::string line(kWidth, '.');
  for (const int column : game.torpedoes) line.at(std::size_t(column)) = '-';
  line.at(std::size_t(game.ship)) = game.hit ? '*' : 'A';
  fmt::print("{:4} {}\n", frame, line);
}

int main(int count, char** arguments) {
  int frames = 150;
  bool fast = false;
  for (int i = 1; i < count; ++i) {
    if (arguments[i] == std::string_view("--fast")) {
      fast = true;
    } else if ((frames = std::atoi(arguments[i])) <= 0) {
      fmt::print(stderr, "frame_loop: '{}' is no number of frames\n", arguments[i]);
      return 2;
    }
  }
  Game game;
  auto owned = std::make_unique<weft::SteppedClock>();
  weft::SteppedClock& clock = *owned;
  weft::EventLoop loop({.selector = nullptr, .clock = std::move(owned)});
  const auto settle = [&loop] {
    while (loop.run_once()) {  // until all wait for time, or for the next frame
    }
  };
  loop.call_soon([&game] {
    weft::create_task([&game] { patrol(game); });
    weft::create_task([&game] { gunner(game); });
  });
  auto next = std::chrono::steady_clock::now();
  for (int frame = 0; frame < frames && !game.hit; ++frame) {
    game.next_frame.set();
    game.next_frame.clear();
    settle();
    if (frame % 10 == 0 || game.hit) draw(frame, game);
    clock.step(kFrame);
    if (!fast) std::this_thread::sleep_until(next += kFrame);
  }
  for (const weft::AnyTask& task : weft::all_tasks(loop)) task.cancel();
  settle();
}
