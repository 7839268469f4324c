#!/usr/bin/env python3
"""Guests read each other, one who does not read is cut off, and SIGINT ends it in good order.

usage: check_chat.py BINARY
"""
import re
import signal
import socket
import subprocess
import sys

WRONG = [
    ([], "usage: chat HOST PORT"),
    (["127.0.0.1"], "usage: chat HOST PORT"),
    (["127.0.0.1", "65536"], "port: 65536 is not between 0 and 65535"),
    (["127.0.0.1", "-1"], "port: -1 is not between 0 and 65535"),
    (["nowhere", "0"], "host: 'nowhere' is neither an IPv4 nor an IPv6 address"),
]


def same(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: {got!r} instead of {wanted!r}")


class Guest:
    def __init__(self, port, name):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.lines = self.socket.makefile("r", newline="\n")
        same(self.lines.read(11), "Your name? ", name)
        self.say(name)
        self.hears(f"* {name} comes")

    def say(self, text):
        self.socket.sendall(f"{text}\n".encode())

    def hears(self, *lines):
        for line in lines:
            same(self.lines.readline(), f"{line}\n", "a guest hears")

    def close(self):
        self.lines.close()
        self.socket.close()


class Server:
    def __init__(self, binary):
        self.process = subprocess.Popen(
            [binary, "127.0.0.1", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        line = self.process.stdout.readline()
        self.port = int(re.fullmatch(r"listening on .*:(\d+)\n", line)[1])

    def prints(self, *lines):
        for line in lines:
            same(self.process.stdout.readline(), f"{line}\n", "the server prints")

    def end(self, number, *lines):
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=20)
        same((self.process.returncode, out, errors), (0, "".join(f"{line}\n" for line in lines), ""),
             f"the end by signal {number}")


def check_talk(binary):
    server = Server(binary)
    ann = Guest(server.port, "ann")
    bob = Guest(server.port, "bob")
    ann.hears("* bob comes")
    ann.say("hello")
    bob.hears("ann: hello")
    bob.say("x" * 5000)  # longer than the limit of lines
    ann.hears("* bob goes")
    eve = Guest(server.port, "eve")
    ann.hears("* eve comes")
    eve.socket.sendall(b"without an end")
    eve.close()
    ann.hears("eve: without an end", "* eve goes")
    server.prints("* ann comes", "* bob comes", "ann: hello", "* bob goes", "* eve comes",
                  "eve: without an end", "* eve goes")
    server.end(signal.SIGINT, "* the chat ends", "* ann goes", "cut off: 0")
    ann.hears("* the chat ends")
    same(ann.lines.readline(), "", "the end of the stream")
    ann.close()
    bob.close()


def check_slow(binary):
    """ann talks until bob, who does not read, is cut off; she is not held up by him."""
    server = Server(binary)
    ann = Guest(server.port, "ann")
    bob = Guest(server.port, "bob")
    ann.hears("* bob comes")
    said = 0
    while True:
        ann.say("y" * 4000)
        said += 1
        if said > 100_000:
            sys.exit("a guest who does not read is never cut off")
        line = server.process.stdout.readline()
        while line == "* bob comes\n" or line == "* ann comes\n":
            line = server.process.stdout.readline()
        if line == "* bob goes\n":
            break
    ann.hears("* bob goes")
    server.process.send_signal(signal.SIGTERM)
    ann.hears("* the chat ends")
    same(ann.lines.readline(), "", "the end of the stream")
    out, errors = server.process.communicate(timeout=20)
    same((server.process.returncode, out[-11:], errors), (0, "cut off: 0\n", ""), "the end")
    ann.close()
    bob.close()


def main():
    binary = sys.argv[1]
    for arguments, error in WRONG:
        done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=20)
        same((done.returncode, done.stdout, done.stderr), (2, "", f"chat: {error}\n"), arguments)
    check_talk(binary)
    check_slow(binary)


if __name__ == "__main__":
    main()
