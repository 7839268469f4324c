// Boost.Fiber 1.74, round_robin scheduler.
#include <boost/fiber/all.hpp>

#include <string>
#include <vector>

#include "bench.hpp"
namespace bf = boost::fibers;
using namespace bench;
template <class A> static void w3(A alloc) {
    std::vector<bf::fiber> fs(kWave);
    static long done = 0;
    double t0 = 0;
    for (int w = -20; w < kWaves; w++) {
        if (w == 0) t0 = now(), done = 0;
        for (auto& f : fs) f = bf::fiber(bf::launch::post, std::allocator_arg, alloc, [] { done++; });
        for (auto& f : fs) f.join();
    }
    if (done != (long)kWaves * kWave) abort();
    printf("ns=%.4g\n", (now() - t0) * 1e9 / ((double)kWaves * kWave));
}
int main(int argc, char** argv) {
    std::string w = argv[1];
    long a = argc > 2 ? atol(argv[2]) : 0;
    if (w == "w1" || w == "w4") {
        int tasks = w == "w1" ? 2 : a ? a : kYTasks;
        long n = w == "w1" ? kSwitches / 8 : (long)kYTasks * kYields / tasks;
        bf::pooled_fixedsize_stack st(a ? kStack : 65536);
        std::vector<bf::fiber> fs;
        for (int i = 0; i < tasks; i++) fs.emplace_back(bf::launch::post, std::allocator_arg, st, [=] { for (long k = 0; k < n; k++) boost::this_fiber::yield(); });
        Timer tm;
        for (auto& f : fs) f.join();
        tm.per((double)tasks * n);
    } else if (w == "w3") w3(bf::default_stack());
    else if (w == "w3pool") w3(bf::pooled_fixedsize_stack(65536));
    else if (w == "w5u" || w == "w5b") {
        auto run = [](auto& ab, auto& ba) {
            long n = kTrips / 2;
            bf::fiber f(bf::launch::post, [&] { long v; for (long i = 0; i < n; i++) { ab.pop(v); ba.push(v); } });
            bf::fiber g(bf::launch::post, [&] { long v; for (long i = 0; i < n; i++) { ab.push(i); ba.pop(v); if (v != i) abort(); } });
            Timer tm;
            f.join(); g.join();
            tm.per(n);
        };
        if (w == "w5u") { bf::unbuffered_channel<long> x, y; run(x, y); }
        else { bf::buffered_channel<long> x(2), y(2); run(x, y); }
    } else if (w == "w6") {
        bf::pooled_fixedsize_stack st(kStack);
        CpuTimer tm;
        std::vector<bf::fiber> fs;
        for (int i = 0; i < kTTasks; i++)
            fs.emplace_back(bf::launch::post, std::allocator_arg, st, [] {
                for (int k = 0; k < kSleeps; k++) boost::this_fiber::sleep_for(std::chrono::milliseconds(rnd_ms()));
            });
        for (auto& f : fs) f.join();
        tm.per((double)kTTasks * kSleeps);
    } else if (w == "w7" || w == "w7def") {
        // a fiber parked on a condition variable; w7 16 KiB pooled stacks, w7def the default allocator
        bf::mutex mx; bf::condition_variable cv; bool stop = false; long up = 0;
        std::vector<bf::fiber> fs;
        fs.reserve(a);
        bf::pooled_fixedsize_stack st(kStack);
        Mem m;
        auto body = [&] { up++; std::unique_lock<bf::mutex> l(mx); while (!stop) cv.wait(l); };
        for (long i = 0; i < a; i++) {
            if (w == "w7") fs.emplace_back(bf::launch::post, std::allocator_arg, st, body);
            else fs.emplace_back(bf::launch::post, body);
        }
        while (up < a) boost::this_fiber::yield();
        m.per(a);
        fflush(stdout);
        _exit(0);
    }
}
