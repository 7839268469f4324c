// Boost.Coroutine2: W2 and delegation as nested re-yield loops (it has no yield-from).
#include <boost/coroutine2/all.hpp>

#include <string>

#include "bench.hpp"
using namespace bench;
using coro = boost::coroutines2::coroutine<long>;
static auto salloc() { return boost::coroutines2::fixedsize_stack(65536); }
static void produce(coro::push_type& out, int depth, long n) {
    if (depth == 0) { for (long i = 0; i < n; i++) out(i); return; }
    coro::pull_type in(salloc(), [=](coro::push_type& o) { produce(o, depth - 1, n); });
    for (long v : in) out(v);
}
struct Node { Node *left, *right; long value; };
static Node* tree(long first, long last) {
    if (first >= last) return nullptr;
    long middle = (first + last) / 2;
    return new Node{tree(first, middle), tree(middle + 1, last), middle};
}
static void walk(coro::push_type& out, boost::coroutines2::pooled_fixedsize_stack& stacks, const Node* node) {
    auto side = [&](const Node* n) {
        if (!n) return;
        coro::pull_type in(stacks, [&](coro::push_type& o) { walk(o, stacks, n); });
        for (long v : in) out(v);
    };
    side(node->left);
    out(node->value);
    side(node->right);
}
static void tree_walk() {
    boost::coroutines2::pooled_fixedsize_stack stacks(65536);
    long n = (1 << 20) - 1, sum = 0;
    Node* root = tree(0, n);
    double t0 = now();
    coro::pull_type in(stacks, [&](coro::push_type& o) { walk(o, stacks, root); });
    for (long v : in) sum += v;
    printf("ns=%.4g\n", (now() - t0) * 1e9 / n);
    if (sum != n * (n - 1) / 2) abort();
}
int main(int argc, char** argv) {
    std::string w = argv[1];
    if (w == "tree") { tree_walk(); return 0; }
    int depth = argc > 2 ? atoi(argv[2]) : 0;
    long n = w == "w2" ? kItems : deleg_items(depth), sum = 0;
    double t0 = now();
    coro::pull_type in(salloc(), [=](coro::push_type& o) { produce(o, depth, n); });
    for (long v : in) sum += v;
    printf("ns=%.4g\n", (now() - t0) * 1e9 / n);
    if (sum != n * (n - 1) / 2) abort();
}
