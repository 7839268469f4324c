// Timers in a std::priority_queue, which cannot take anything out: a cancelled one is marked, and dropped when it comes
// up, or when half of all are such and the queue is made anew (as asyncio does).
#include <algorithm>
#include <queue>
#include <vector>

#include "bench.hpp"
using namespace bench;

struct Timer {
    double due;
    bool cancelled;
    long* fired;
};
struct Later { bool operator()(const ::Timer* a, const ::Timer* b) const { return a->due > b->due; } };
struct Queue : std::priority_queue<::Timer*, std::vector<::Timer*>, Later> {
    size_t cancelled = 0;
    void cancel(::Timer* t) {
        t->cancelled = true;
        if (++cancelled > 100 && cancelled > size() / 2) clean();
    }
    void clean() {
        auto dead = std::partition(c.begin(), c.end(), [](::Timer* t) { return !t->cancelled; });
        for (auto it = dead; it != c.end(); ++it) delete *it;
        c.erase(dead, c.end());
        std::make_heap(c.begin(), c.end(), Later());
        cancelled = 0;
    }
};

static double due() { return now() + 3600 + rnd() % 1'000'000 * 1e-6; }

int main() {
    constexpr long standing = 1'000'000, rounds = 5'000'000;
    Queue queue;
    long fired = 0;
    for (long i = 0; i < standing; i++) queue.push(new ::Timer{due(), false, &fired});
    bench::Timer tm;
    for (long i = 0; i < rounds; i++) {
        auto* t = new ::Timer{due(), false, &fired};
        queue.push(t);
        queue.cancel(t);
    }
    tm.per(rounds);
    return fired != 0;
}
