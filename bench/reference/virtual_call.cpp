// The same sum through a virtual call of an object that is not known.
#include "bench.hpp"

struct Adder {
    virtual long add(long a, long b) = 0;
};
struct Plain final : Adder {
    __attribute__((noinline)) long add(long a, long b) override { return a + b; }
};
Plain plain;
Adder* volatile adder = &plain;

__attribute__((noinline)) static long step(long i) { return adder->add(i, 1); }

int main() {
    constexpr long n = 100'000'000;
    long sum = 0;
    bench::Timer tm;
    for (long i = 0; i < n; i++) sum += step(i);
    tm.per(n);
    return sum != n * (n + 1) / 2;
}
