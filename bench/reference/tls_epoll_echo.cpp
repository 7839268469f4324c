// A raw echo server over TLS: OpenSSL on non-blocking sockets and edge-triggered epoll, with read-ahead, so that a
// record is one read(). usage: tls_epoll_echo PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

struct Conn {
    SSL* ssl = nullptr;
    std::string pending;  // what SSL_write did not take
};
static SSL_CTX* context() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(ctx, cert);
    SSL_CTX_use_PrivateKey(ctx, key);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ctx;
}
static std::vector<Conn> cs(65536);
static void drop(int fd) {
    SSL_free(cs[fd].ssl);
    cs[fd] = Conn{};
    close(fd);
}
static bool flush(Conn& c) {  // false on a dead connection
    while (!c.pending.empty()) {
        int w = SSL_write(c.ssl, c.pending.data(), (int)c.pending.size());
        if (w <= 0) return SSL_get_error(c.ssl, w) == SSL_ERROR_WANT_WRITE;
        c.pending.erase(0, w);
    }
    return true;
}
static bool serve(Conn& c) {
    static char buf[16384];
    if (!flush(c)) return false;
    while (c.pending.empty()) {  // one that has not been flushed is not read from
        int r = SSL_read(c.ssl, buf, sizeof buf);
        if (r <= 0) {
            int e = SSL_get_error(c.ssl, r);
            return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
        }
        int w = SSL_write(c.ssl, buf, r);
        if (w <= 0 && SSL_get_error(c.ssl, w) != SSL_ERROR_WANT_WRITE) return false;
        if (w < r) c.pending.assign(buf + (w > 0 ? w : 0), r - (w > 0 ? w : 0));
    }
    return true;
}
int main(int, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX* ctx = context();
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in a{};
    a.sin_family = AF_INET; a.sin_port = htons(atoi(argv[1]));
    if (bind(s, (sockaddr*)&a, sizeof a) || listen(s, 4096)) return 1;
    int ep = epoll_create1(0);
    epoll_event e{EPOLLIN, {.fd = s}}, ev[1024];
    epoll_ctl(ep, EPOLL_CTL_ADD, s, &e);
    for (;;) {
        int n = epoll_wait(ep, ev, 1024, -1);
        for (int k = 0; k < n; k++) {
            int fd = ev[k].data.fd;
            if (fd != s) {
                if (cs[fd].ssl && !serve(cs[fd])) drop(fd);
                continue;
            }
            for (;;) {
                int c = accept4(s, nullptr, nullptr, SOCK_NONBLOCK);
                if (c < 0) break;
                setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                cs[c].ssl = SSL_new(ctx);
                SSL_set_fd(cs[c].ssl, c);
                SSL_set_accept_state(cs[c].ssl);
                epoll_event e{EPOLLIN | EPOLLOUT | EPOLLET, {.fd = c}};
                epoll_ctl(ep, EPOLL_CTL_ADD, c, &e);
            }
        }
    }
}
