// A plain throw through five frames, of an object of the same size as a CancelledError's.
#include <stdexcept>

#include "bench.hpp"

struct Error : std::exception {
    long data[8] = {};
};
static volatile long zero;

__attribute__((noinline)) static long fifth(long i) {
    if (zero == 0) throw Error();
    return i + 1;
}
__attribute__((noinline)) static long fourth(long i) { return fifth(i) + 1; }
__attribute__((noinline)) static long third(long i) { return fourth(i) + 1; }
__attribute__((noinline)) static long second(long i) { return third(i) + 1; }
__attribute__((noinline)) static long first(long i) { return second(i) + 1; }

int main() {
    constexpr long n = 1'000'000;
    long caught = 0;
    bench::Timer tm;
    while (caught < n) try {
            caught += first(caught);
        } catch (const Error&) {
            ++caught;
        }
    tm.per(n);
}
