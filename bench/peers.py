#!/usr/bin/env python3
"""Measures weft beside other runtimes at the same work; see bench/README.md.

usage: peers.py [--build FOLDER] [WORK...]

Prints one table, in Markdown. A runtime that is not installed is `absent`; one that has nothing of
the kind is `-`. Programs lie in reference/peers/, and are built into FOLDER/bench/peers/.
"""
import statistics
import subprocess
import sys
from pathlib import Path

from run import LOADS, cost_of_message, run_alone, say

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "reference" / "peers"
RUNS = 5
SLOW = {"asyncio", "uvloop"}  # one run tells enough

PYTHON = "/usr/bin/python3"  # the system's, for which uvloop is packaged
CXX = ["g++", "-O2", "-std=c++20", "-w", "-DASIO_STANDALONE", f"-I{HERE / 'reference'}"]
PEERS = {  # name: its program, and how that is built
    "Boost.Fiber": ("bfiber", [*CXX, "bfiber.cpp", "-lboost_fiber", "-lboost_context", "-pthread"]),
    "Boost.Coroutine2": ("coro2", [*CXX, "coro2.cpp", "-lboost_context"]),
    "Asio": ("asio_cb", [*CXX, "asio_cb.cpp", "-pthread"]),
    "Asio awaitable": ("asio_aw", [*CXX, "asio_aw.cpp", "-pthread"]),
    "libuv": ("uv", [*CXX, "uv.cpp", "-luv"]),
    "State Threads": ("libst", [*CXX, "libst.cpp", "-lst"]),
    "Go": ("go_peer", ["go", "build", "go_peer.go"]),
    "Tokio": ("tokio_peer", ["cargo", "build", "--offline", "--release"]),
    "asyncio": ("py.py asyncio", [PYTHON, "-c", "import asyncio"]),
    "uvloop": ("py.py uvloop", [PYTHON, "-c", "import uvloop"]),
    "CPython": ("py.py cpython", [PYTHON, "-c", ""]),
}
ALL_TASKS = ["Boost.Fiber", "Asio awaitable", "Go", "Tokio", "asyncio", "uvloop"]
SERVERS = ["Asio", "Asio awaitable", "libuv", "Go", "Tokio", "asyncio", "uvloop"]
WORKS = {  # unit, arguments of weft's program, those of the peers'
    "yield_2": ("ns a yield", "yield_2", dict.fromkeys(ALL_TASKS, "w1")),
    "yield_1000": ("ns a yield", "yield_1000", dict.fromkeys(ALL_TASKS, "w4")),
    "generator_0": ("ns an item", "generator_0", {
        "Boost.Coroutine2": "w2", "Go": "w2", "CPython": "wd 0"}),
    "generator_1000": ("ns an item", "generator_1000_inline", {
        "Boost.Coroutine2": "wd 1000", "Go": "wd 1000", "CPython": "wd 1000"}),
    "tree_walk": ("ns an item", "tree_walk", {"Boost.Coroutine2": "tree", "CPython": "tree"}),
    "spawn": ("ns a task", "spawn", {
        **dict.fromkeys(ALL_TASKS, "w3"), "Boost.Fiber": "w3pool", "State Threads": "w3"}),
    "handover": ("ns a round trip", "handover", {"State Threads": "w5", "Go": "w5u 0"}),
    "queue": ("ns a round trip", "queue", {
        "Boost.Fiber": "w5b", "Asio awaitable": "w5 1", "Go": "w5b 1", "Tokio": "w5b",
        "asyncio": "w5", "uvloop": "w5"}),
    "sleep_100k": ("CPU us a sleep", "sleep_100k", {
        **dict.fromkeys(ALL_TASKS, "w6"), "Asio": "w6", "libuv": "w6"}),
    "rss_100k": ("bytes a parked task", "rss_1m 100000", dict.fromkeys(ALL_TASKS, "w7 100000")),
    **{work: (unit, "echo_server {port}", dict.fromkeys(SERVERS, "echo {port}")) for work, unit in
       [("echo_64_64", "CPU us a message"), ("echo_64_1000", "CPU us a message"),
        ("echo_16k_64", "CPU us a message"), ("accept", "CPU us a connection")]},
}


def first_line(error):
    return (str(error).strip().splitlines() or ["no reason given"])[0]


def build(name, folder):
    """The command that begins every run of the peer; None if it cannot be had."""
    program, how = PEERS[name]
    if program.startswith("py.py"):
        if subprocess.run(how, stderr=subprocess.DEVNULL, check=False).returncode:
            return None
        (folder / "py.py").write_text((SOURCES / "py.py").read_text())
        (folder / "py.py").chmod(0o755)
        return program
    source = SOURCES / ("tokio" if name == "Tokio" else how[-1] if name == "Go" else how[len(CXX)])
    newest = max(p.stat().st_mtime for p in [source, *source.rglob("*")])
    if (folder / program).exists() and (folder / program).stat().st_mtime > newest:
        return program
    place = {"Tokio": ["--target-dir", folder / "tokio"]}.get(name, ["-o", folder / program])
    how = how[:2] + place + how[2:] if name == "Go" else how + place
    try:
        done = subprocess.run(how, cwd=source if name == "Tokio" else SOURCES, text=True,
                              stderr=subprocess.PIPE, check=False)
    except OSError as error:
        say(f"{name} is absent: {first_line(error)}")
        return None
    if done.returncode:
        say(f"{name} is absent: {first_line(done.stderr)}")
        return None
    if name == "Tokio":
        (folder / program).unlink(missing_ok=True)
        (folder / "tokio" / "release" / program).rename(folder / program)
    return program


def figure(work, folder, command):
    if work in LOADS:
        return cost_of_message(folder, work, command)
    return run_alone(folder, command)[0]


def measure(work, commands):
    """Name to the median of its runs; they are taken in turn."""
    figures = {name: [] for name in commands}
    for turn in range(RUNS):
        for name, (folder, command) in commands.items():
            if turn and (name in SLOW or work.startswith("rss")):
                continue
            try:
                figures[name].append(figure(work, folder, command))
            except (SystemExit, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                say(f"{work}: {name}: {first_line(error)}")
    return {name: statistics.median(all) for name, all in figures.items() if all}


def cells(work, programs, folder):
    unit, ours, theirs = WORKS[work]
    commands = {"weft": (folder.parent, ours)}
    for name, arguments in theirs.items():
        if programs[name]:
            commands[name] = (folder, f"{programs[name]} {arguments}")
    figures = measure(work, commands)
    yield f"{work}, {unit}"
    yield f"{figures['weft']:.3g}"
    for name in PEERS:
        if name in theirs and not programs[name]:
            yield "absent"
        elif name in figures:
            yield f"{figures[name]:.3g} ({figures[name] / figures['weft']:.2g})"
        else:
            yield "-"


def main(arguments):
    build_folder = HERE.parent / "build"
    if arguments[:1] == ["--build"] and len(arguments) > 1:
        build_folder, arguments = Path(arguments[1]).resolve(), arguments[2:]
    unknown = [work for work in arguments if work not in WORKS]
    if unknown:
        say(f"bench: there is no {' '.join(unknown)} of peers; there are: {' '.join(WORKS)}")
        return 2
    folder = build_folder / "bench" / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "load").unlink(missing_ok=True)
    (folder / "load").symlink_to(folder.parent / "load")
    programs = {name: build(name, folder) for name in PEERS}
    heads = ["work", "weft", *PEERS]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads), flush=True)
    for work in arguments or WORKS:
        print("| " + " | ".join(cells(work, programs, folder)) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
