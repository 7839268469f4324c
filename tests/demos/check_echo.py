#!/usr/bin/env python3
"""The echo demo serves, puts load on itself and on another process, and says what is wrong.

usage: check_echo.py BINARY
"""
import re
import shutil
import signal
import socket
import subprocess
import sys

RESULT = (
    r"(\d+) messages of (\d+) bytes over (\d+) connections, all bytes right\n"
    r"(\d+) messages/s, latency in us: p50 (\d+), p99 (\d+), p99\.9 (\d+)\n")
USAGE = "usage: echo [serve HOST PORT | load HOST PORT [-c N] [-s N] [-t N]]"
WRONG = [  # arguments, what stderr says
    (["dance", "127.0.0.1", "0"], USAGE),
    (["serve"], USAGE),
    (["serve", "127.0.0.1"], USAGE),
    (["serve", "localhost", "0"], "host: 'localhost' is neither an IPv4 nor an IPv6 address"),
    (["serve", "", "0"], "host: '' is neither an IPv4 nor an IPv6 address"),
    (["serve", "127.0.0.1", "65536"], "port: 65536 is not between 0 and 65535"),
    (["serve", "127.0.0.1", "http"], "PORT: 'http' is no number from 0 on"),
    (["serve", "127.0.0.1", "-1"], "PORT: '-1' is no number from 0 on"),
    (["serve", "127.0.0.1", "99999999999"], "PORT: '99999999999' is no number from 0 on"),
    (["load", "127.0.0.1", "1", "-c"], "'-c' is no option with a number"),
    (["load", "127.0.0.1", "1", "-x", "1"], "'-x' is no option with a number"),
    (["load", "127.0.0.1", "1", "-", "1"], "'-' is no option with a number"),
    (["load", "127.0.0.1", "1", "-c-s", "1"], "'-c-s' is no option with a number"),
    (["load", "127.0.0.1", "1", "", "1"], "'' is no option with a number"),
    (["load", "127.0.0.1", "1", "-c", "0"], "-c: '0' is no number from 1 on"),
    (["load", "127.0.0.1", "1", "-s", "x"], "-s: 'x' is no number from 1 on"),
    (["load", "127.0.0.1", "1", "-t", "1s"], "-t: '1s' is no number from 1 on"),
]


class Server:
    """`echo serve` on a free port; ends by Ctrl-C."""

    def __init__(self, binary, host="127.0.0.1"):
        self.process = subprocess.Popen(
            [binary, "serve", host, "0"], stdout=subprocess.PIPE, text=True,
            # a shell that starts a program in the background lets it ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        line = self.process.stdout.readline()
        self.port = re.fullmatch(r"listening on .*:(\d+)\n", line)[1]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGINT)
        rest = self.process.communicate(timeout=20)[0]
        if kind is None:
            same((self.process.returncode, rest), (0, "echo: interrupted\n"), "Ctrl-C")


def same(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: {got!r} instead of {wanted!r}")


def run(binary, *arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=50)
    return done.returncode, done.stdout, done.stderr


def check_numbers(result, size, connections, what, start=""):
    status, out, errors = result
    same((status, errors), (0, ""), what)
    match = re.fullmatch(start + RESULT, out)
    if not match:
        sys.exit(f"{what}: printed {out!r}")
    messages, of_size, over, rate, p50, p99, p999 = map(int, match.groups())
    same((of_size, over), (size, connections), what)
    if not (messages > 0 and rate > 0 and 0 < p50 <= p99 <= p999):
        sys.exit(f"{what}: numbers that cannot be: {out}")


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def check_raw_client(port):
    """All bytes come back, also those that are sent after a pause; then the end of the stream."""
    data = bytes(range(256)) * 1000
    with socket.create_connection(("127.0.0.1", int(port))) as client:
        for _ in range(2):
            client.sendall(data[:10_000])
            got = b""
            while len(got) < 10_000:
                got += client.recv(65536)
            same(got == data[:10_000], True, "a client of another make")
        client.shutdown(socket.SHUT_WR)
        same(client.recv(1), b"", "the end of the stream")


def check_netcat(port):
    if not shutil.which("nc"):
        return print("skipped: nc is not installed")
    netcat = subprocess.Popen(["nc", "127.0.0.1", port], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    for line in "hello\n", "once more\n":
        netcat.stdin.write(line)
        netcat.stdin.flush()
        same(netcat.stdout.readline(), line, "nc")
    netcat.kill()
    netcat.communicate()


def check_serving(binary):
    with Server(binary) as server:
        load = run(binary, "load", "127.0.0.1", server.port, "-c", "7", "-s", "5000", "-t", "1")
        check_numbers(load, 5000, 7, "load from another process")
        check_raw_client(server.port)
        check_netcat(server.port)
        same(run(binary, "serve", "127.0.0.1", server.port),
             (2, "", f"echo: bind to 127.0.0.1:{server.port}: Address already in use\n"),
             "an occupied port")
        idle = socket.create_connection(("127.0.0.1", int(server.port)))  # Ctrl-C ends it
    same(idle.recv(1), b"", "a connection when the server ends")
    idle.close()
    same(run(binary, "load", "127.0.0.1", server.port),
         (2, "", f"echo: connect to 127.0.0.1:{server.port}: Connection refused\n"),
         "nobody listens")


def main():
    binary = sys.argv[1]
    for arguments, error in WRONG:
        same(run(binary, *arguments), (2, "", f"echo: {error}\n"), f"echo {arguments}")
    check_numbers(run(binary), 64, 64, "echo alone", r"listening on 127\.0\.0\.1:\d+\n")
    check_serving(binary)
    if has_ipv6():
        with Server(binary, "::1") as server:
            load = run(binary, "load", "::1", server.port, "-c", "1")
            check_numbers(load, 64, 1, "load over IPv6")
    else:
        print("skipped: this machine has no IPv6")


if __name__ == "__main__":
    main()
