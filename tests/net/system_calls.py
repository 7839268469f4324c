#!/usr/bin/env python3
"""An echo costs one recv and one send: nothing is tried in vain, nothing registered again.

usage: system_calls.py ECHO
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
CONNECTIONS = 16
MOST = {"recvfrom": 1.02, "sendto": 1.0}  # per echo
AT_START = 8  # further calls that one connection may cost


def traced(command, log):
    """Counts the system calls of `command`, which Ctrl-C must reach."""
    return subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", "-o", log] + command,
                            stdout=subprocess.PIPE, text=True, start_new_session=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def can_trace(log):
    if "WEFT_WRAPPED" in os.environ or not shutil.which("strace"):
        return False
    process = traced(["true"], log)
    process.communicate()
    return process.returncode == 0


def messages_of(load):
    return int(re.search(r"^(\d+) messages", load.stdout, re.MULTILINE)[1])


def measure(echo, log):
    """Returns (echoes, the server's system calls by name)."""
    server = traced([echo, "serve", "127.0.0.1", "0"], log)
    port = server.stdout.readline().strip().rsplit(":", 1)[1]
    load = subprocess.run([echo, "load", "127.0.0.1", port, "-c", str(CONNECTIONS), "-t", "3"],
                          capture_output=True, text=True, timeout=60, check=True)
    os.killpg(server.pid, signal.SIGINT)
    server.communicate(timeout=20)
    with open(log) as lines:
        calls = re.findall(r"^ *(\d+) +(\w+)$", lines.read(), re.MULTILINE)
    return messages_of(load), {name: int(count) for count, name in calls}


def main():
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "calls")
        if not can_trace(log):
            print("skipped: strace is not installed, or may not trace, or would trace another tool")
            sys.exit(SKIPPED)
        echoes, calls = measure(sys.argv[1], log)
    print(f"{echoes} echoes:", ", ".join(f"{count} {name}" for name, count in calls.items()))
    if echoes < 500:
        print("skipped: the machine is too busy, or too slow, for enough of them")
        sys.exit(SKIPPED)
    at_start = AT_START * CONNECTIONS
    for name, most in MOST.items():
        if not echoes <= calls.get(name, 0) <= most * echoes + at_start:
            sys.exit(f"{calls.get(name, 0)} {name} for {echoes} echoes, {most} each allowed")
    if calls["epoll_ctl"] > at_start:
        sys.exit(f"{calls['epoll_ctl']} epoll_ctl for {CONNECTIONS} connections")


if __name__ == "__main__":
    main()
