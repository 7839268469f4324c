#!/usr/bin/env python3
"""The made-up host is connected to at its third address, and real ones at the first that answers.

usage: check_happy_eyeballs.py BINARY
"""
import re
import socket
import subprocess
import sys

LINE = re.compile(r" *(\d+) ms  (\S+)  (.+)")


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=50)
    steps = [LINE.fullmatch(line).groups() for line in done.stdout.splitlines()]
    return done, steps


def check_made_up(binary):
    done, steps = run(binary)
    addresses = list(dict.fromkeys(address for _, address, _ in steps))
    said = [(addresses.index(address), what) for _, address, what in steps]
    expected = [(0, "tried"), (0, "Connection refused"), (1, "tried"), (2, "tried"),
                (2, "connected"), (1, "given up")]
    if done.returncode != 0 or said != expected:
        sys.exit(f"status {done.returncode}, {done.stderr}\n{done.stdout}")
    if not 250 <= int(steps[3][0]) - int(steps[2][0]):
        sys.exit(f"the third attempt was too early:\n{done.stdout}")


def check_real(binary):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for host in "localhost", "127.0.0.1":
            done, steps = run(binary, host, port)
            if done.returncode != 0 or (f"127.0.0.1:{port}", "connected") not in [
                    (address, what) for _, address, what in steps]:
                sys.exit(f"{host}: status {done.returncode}, {done.stderr}\n{done.stdout}")
    done, steps = run(binary, "127.0.0.1", port)
    if done.returncode != 1 or [what for _, _, what in steps] != ["tried", "Connection refused"]:
        sys.exit(f"nobody: status {done.returncode}, {done.stderr}\n{done.stdout}")


def main():
    check_made_up(sys.argv[1])
    check_real(sys.argv[1])
    for wrong in ["x"], ["x", "y"], ["x", "70000"], ["a", "1", "2"]:
        done, _ = run(sys.argv[1], *wrong)
        if done.returncode != 2 or not done.stderr.startswith("happy_eyeballs: "):
            sys.exit(f"{wrong} gives status {done.returncode}, {done.stderr}")


if __name__ == "__main__":
    main()
