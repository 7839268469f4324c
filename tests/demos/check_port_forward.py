#!/usr/bin/env python3
"""Bytes pass both ways, each end by itself; a target that is not there, or breaks, is told.

usage: check_port_forward.py BINARY
"""
import re
import signal
import socket
import struct
import subprocess
import sys
import threading

WRONG = [
    ([], "usage: port_forward PORT HOST PORT"),
    (["0", "nowhere", "1"], "host: 'nowhere' is neither an IPv4 nor an IPv6 address"),
    (["65536", "127.0.0.1", "1"], "port: 65536 is not between 0 and 65535"),
]


def same(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: {got!r} instead of {wanted!r}")


def read_all(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


class Forward:
    def __init__(self, binary, port):
        self.process = subprocess.Popen(
            [binary, "0", "127.0.0.1", str(port)], stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        line = self.process.stdout.readline()
        self.port = int(re.fullmatch(rf"127\.0\.0\.1:(\d+) leads to 127\.0\.0\.1:{port}\n", line)[1])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def told(self, wanted):
        line = re.sub(r"127\.0\.0\.1:\d+", "HOST", self.process.stdout.readline())
        if not re.fullmatch(wanted + r"\n", line):
            sys.exit(f"it tells {line!r} instead of {wanted!r}")

    def end(self, number, last):
        self.process.send_signal(number)
        same((self.process.communicate(timeout=20)[0], self.process.returncode), (last, 0), "the end")


def check_bytes(binary):
    """The target answers only when it has read the end of the request."""
    target = socket.create_server(("127.0.0.1", 0))
    target.settimeout(20)
    request, answer = bytes(range(256)) * 8000, bytes(reversed(range(256))) * 6000
    forward = Forward(binary, target.getsockname()[1])
    client = forward.connect()
    there = target.accept()[0]
    got = []
    reading = threading.Thread(target=lambda: got.append(read_all(there)))
    reading.start()
    client.sendall(request)
    client.shutdown(socket.SHUT_WR)
    reading.join()
    same(got[0] == request, True, "the request")
    sending = threading.Thread(target=lambda: (there.sendall(answer), there.close()))
    sending.start()
    same(read_all(client) == answer, True, "the answer")
    sending.join()
    forward.told(rf"HOST: {len(request)} bytes there, {len(answer)} bytes back")
    client.close()
    forward.end(signal.SIGINT, "cut off: 0\n")
    target.close()


def check_broken(binary):
    target = socket.create_server(("127.0.0.1", 0))
    target.settimeout(20)
    forward = Forward(binary, target.getsockname()[1])
    client = forward.connect()
    there = target.accept()[0]
    client.sendall(b"x")
    same(there.recv(1), b"x", "a byte")
    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    there.close()  # by a reset
    forward.told(r"HOST: .*")
    try:
        same(client.recv(1), b"", "the client of a broken connection")
    except ConnectionResetError:
        pass
    client.close()
    target.close()
    client = forward.connect()
    forward.told(r"HOST: connect to HOST: Connection refused")
    client.close()
    forward.end(signal.SIGTERM, "cut off: 0\n")


def main():
    binary = sys.argv[1]
    for arguments, error in WRONG:
        done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=20)
        same((done.returncode, done.stdout, done.stderr), (2, "", f"port_forward: {error}\n"),
             arguments)
    check_bytes(binary)
    check_broken(binary)


if __name__ == "__main__":
    main()
