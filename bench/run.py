#!/usr/bin/env python3
"""Measures weft against its references; see bench/README.md.

usage: run.py [--build FOLDER] [ID...]

Prints `id<TAB>weft<TAB>reference<TAB>ratio` on stdout (nanoseconds, for echo microseconds, for rss
bytes), and all else on stderr.
"""
import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 9  # of each program, in turn
ATTEMPTS = 15  # rounds of an echo
SECONDS = "2"  # of load in a round
AGREE = 1.02  # how far apart the two references of a round may be
OWN = 0.95  # which share of a core an undisturbed run has

CLAIMS = {  # id: program of weft, what it is compared with
    "yield_2": ("yield_2", "fctx w1"),
    "yield_2_fp": ("yield_2_fp", "fctx w1"),
    "yield_1000": ("yield_1000", "fctx w4color"),
    "yield_8_bodies": ("yield_8_bodies", "different_bodies 1000 diff"),
    "generator_0": ("generator_0", "fctx w2"),
    "generator_2_interleaved": ("generator_2_interleaved", "two_generators 2"),
    "generator_1000_inline": ("generator_1000_inline", "generator_0"),
    "generator_1000_stacks": ("generator_1000_stacks", "generator_0"),
    "tree_walk": ("tree_walk", "fctx w2"),
    "await_inline": ("await_inline", "virtual_call"),
    "handover": ("handover", "fctx w2"),
    "queue": ("queue", "fctx w2"),
    "spawn": ("spawn", "fctx w3color"),
    "cancel": ("cancel", "throw"),
    "sleep_100k": ("sleep_100k", "fctx w6heap"),
    "timer_cancel": ("timer_cancel", "lazy_timers"),
    "echo_64_64": ("echo_server {port}", "epoll_echo et {port}"),
    "echo_64_1000": ("echo_server {port}", "epoll_echo et {port}"),
    "echo_16k_64": ("echo_server {port}", "epoll_echo et {port}"),
    "accept": ("echo_server {port}", "epoll_echo et {port}"),
    "stream_64_64": ("stream_server {port}", "echo_server {port}"),
    "tls_64_64": ("tls_server {port}", "tls_epoll_echo {port}"),
    "rss_1m": ("rss_1m", "fctx w7guard 1000000"),
}
LOADS = {  # of servers: kind, connections, bytes
    "echo_64_64": ("echo", "64", "64"),
    "echo_64_1000": ("echo", "1000", "64"),
    "echo_16k_64": ("echo", "64", "16384"),
    "accept": ("accept", "64", "64"),
    "stream_64_64": ("lines", "64", "64"),
    "tls_64_64": ("echo", "64", "64"),
}
ONLY_IF_NAMED = ["rss_1m"]  # it takes 5 GB
NUMBER = re.compile(r"\b(?:ns|rss_B|cpu_us)=([\d.e+-]+)|([\d.]+) ns/(?:yield|item)")


def say(text):
    print(text, file=sys.stderr, flush=True)


def on_core(core):
    """For preexec_fn: one core of those we have, before others if we may."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)


def number_in(output, command):
    found = NUMBER.search(output)
    if not found:
        sys.exit(f"bench: {command} printed no number: {output!r}")
    return float(found[1] or found[2])


def run_alone(folder, command):
    """Returns its number, and which share of its time it had a core.

    Times are CPU times: what others took of the core meanwhile is not counted.
    """
    name, *args = command.split()
    start = time.monotonic()
    process = subprocess.Popen([folder / name, *args], stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: on_core(1))
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: {command} failed with {process.returncode}")
    share = min(1, (used.ru_utime + used.ru_stime) / (time.monotonic() - start))
    if "ns=" not in output and "ns/" not in output:  # bytes, or CPU time of what mostly sleeps
        return number_in(output, command), 1
    return number_in(output, command) * share, share


def median_of(pairs):
    return tuple(statistics.median(side) for side in zip(*pairs))


def measure_in_turn(folder, name, commands):
    runs = 1 if name in ONLY_IF_NAMED else RUNS
    pairs, shares = [], []
    for _ in range(runs):
        (weft, ours), (reference, theirs) = (run_alone(folder, c) for c in commands)
        pairs.append((weft, reference))
        shares += [ours, theirs]
    if min(shares) < OWN:
        say(f"{name}: others were using the core, of which the runs had {min(shares):.0%} to "
            f"{max(shares):.0%}")
    return median_of(pairs)


@contextlib.contextmanager
def server(folder, command):
    """Yields (port, pid) of a server that answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    name, *args = command.format(port=port).split()
    process = subprocess.Popen([folder / name, *args], stdout=subprocess.DEVNULL,
                               preexec_fn=lambda: on_core(0))
    try:
        for attempt in range(200):
            if process.poll() is not None:
                sys.exit(f"bench: {command} ended with {process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def cost_of_message(folder, name, command):
    kind, connections, size = LOADS[name]
    with server(folder, command) as (port, pid):
        program = "tls_load" if name.startswith("tls") else "load"
        load = [folder / program, kind, str(port), connections, size, SECONDS, str(pid)]
        output = subprocess.run(load, stdout=subprocess.PIPE, text=True, check=True, timeout=60,
                                preexec_fn=lambda: on_core(1)).stdout
    return number_in(output, "load against " + command)


def measure_server(folder, name, commands):
    """Each round measures the reference, weft, and the reference again."""
    weft, reference = commands
    every, good = [], []
    for _ in range(ATTEMPTS):
        before, ours, after = (
            cost_of_message(folder, name, c) for c in (reference, weft, reference))
        every.append((ours, (before + after) / 2))
        if max(before, after) <= min(before, after) * AGREE:
            good.append(every[-1])
        if len(good) == RUNS:
            break
    say(f"{name}: {len(good)} of {len(every)} rounds count; in the others the reference changed by "
        f"more than {AGREE - 1:.0%}" + ("" if good else "; this is the median of all"))
    return median_of(good or every)


def main(arguments):
    root = Path(__file__).resolve().parent.parent
    build = root / "build"
    if arguments[:1] == ["--build"] and len(arguments) > 1:
        build, arguments = Path(arguments[1]).resolve(), arguments[2:]
    unknown = [name for name in arguments if name not in CLAIMS]
    if unknown:
        say(f"bench: there is no {' '.join(unknown)}; there are: {' '.join(CLAIMS)}")
        return 2
    for name in arguments or [name for name in CLAIMS if name not in ONLY_IF_NAMED]:
        if name.startswith("tls") and not (build / "bench/tls_server").exists():
            say(f"{name}: left out, weft was built without TLS")
            continue
        measure = measure_server if name in LOADS else measure_in_turn
        weft, reference = measure(build / "bench", name, CLAIMS[name])
        print(f"{name}\t{weft:.4g}\t{reference:.4g}\t{weft / reference:.3f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
