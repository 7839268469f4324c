// Standalone Asio 1.22 with C++20 awaitable (stackless): echo, W3, W4, W5 (experimental channel), W6, W7.
#include <asio.hpp>
#include <asio/experimental/channel.hpp>
#include <string>
#include <vector>

#include "bench.hpp"
using namespace bench;
using asio::awaitable; using asio::use_awaitable; using asio::ip::tcp;
static awaitable<void> echo(tcp::socket s) {
    char buf[16384];
    try {
        for (;;) {
            size_t n = co_await s.async_read_some(asio::buffer(buf), use_awaitable);
            co_await asio::async_write(s, asio::buffer(buf, n), use_awaitable);
        }
    } catch (std::exception&) {}
}
static awaitable<void> serve(int port) {
    auto ex = co_await asio::this_coro::executor;
    tcp::acceptor a(ex);
    a.open(tcp::v4()); a.set_option(tcp::acceptor::reuse_address(true));
    a.bind({tcp::v4(), (unsigned short)port}); a.listen(4096);
    for (;;) {
        tcp::socket s = co_await a.async_accept(use_awaitable);
        s.set_option(tcp::no_delay(true));
        asio::co_spawn(ex, echo(std::move(s)), asio::detached);
    }
}
static long done;
static awaitable<void> noop() { done++; co_return; }
static int yields = 1000;
static awaitable<void> yielder() {
    auto ex = co_await asio::this_coro::executor;
    for (int i = 0; i < yields; i++) co_await asio::post(ex, use_awaitable);
}
static awaitable<void> sleeper() {
    asio::steady_timer t(co_await asio::this_coro::executor);
    for (int i = 0; i < kSleeps; i++) { t.expires_after(std::chrono::milliseconds(rnd_ms())); co_await t.async_wait(use_awaitable); }
}
static awaitable<void> park() {
    asio::steady_timer t(co_await asio::this_coro::executor);
    t.expires_after(std::chrono::hours(1));
    co_await t.async_wait(use_awaitable);
}
using chan = asio::experimental::channel<void(asio::error_code, long)>;
static awaitable<void> ponger(chan& a, chan& b, long n) {
    for (long i = 0; i < n; i++) { long v = co_await a.async_receive(use_awaitable); co_await b.async_send(asio::error_code{}, v, use_awaitable); }
}
static awaitable<void> pinger(chan& a, chan& b, long n) {
    for (long i = 0; i < n; i++) { co_await a.async_send(asio::error_code{}, i, use_awaitable); if (co_await b.async_receive(use_awaitable) != i) abort(); }
}
int main(int argc, char** argv) {
    std::string w = argv[1];
    long a = argc > 2 ? atol(argv[2]) : 0;
    asio::io_context io(1);
    if (w == "echo") { asio::co_spawn(io, serve(a), asio::detached); io.run(); }
    else if (w == "w3") {
        double t0 = 0;
        for (int k = -20; k < kWaves; k++) {
            if (k == 0) t0 = now();
            for (int i = 0; i < kWave; i++) asio::co_spawn(io, noop(), asio::detached);
            io.restart(); io.run();
        }
        printf("ns=%.4g\n", (now() - t0) * 1e9 / ((double)kWaves * kWave));
    } else if (w == "w4") {
        long tasks = a ? a : kYTasks;
        yields = 1000000 / tasks;
        for (int i = 0; i < tasks; i++) asio::co_spawn(io, yielder(), asio::detached);
        Timer tm; io.run(); tm.per((double)tasks * yields);
    } else if (w == "w5") {
        long n = kTrips / 4;
        chan x(io, argc > 2 ? a : 0), y(io, argc > 2 ? a : 0);
        asio::co_spawn(io, ponger(x, y, n), asio::detached); asio::co_spawn(io, pinger(x, y, n), asio::detached);
        Timer tm; io.run(); tm.per(n);
    } else if (w == "w6") {
        CpuTimer tm;
        for (int i = 0; i < kTTasks; i++) asio::co_spawn(io, sleeper(), asio::detached);
        io.run(); tm.per((double)kTTasks * kSleeps);
    } else if (w == "w7") {
        Mem m;
        for (long i = 0; i < a; i++) asio::co_spawn(io, park(), asio::detached);
        io.poll();
        m.per(a); fflush(stdout); _exit(0);
    }
}
