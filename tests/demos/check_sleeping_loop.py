#!/usr/bin/env python3
"""Launches happen in the order, and at the times, that their lengths and delays imply.

usage: check_sleeping_loop.py BINARY [OTHER_BINARY]

The demos sleep in real time: a run that a busy machine delayed gets another chance, twice. Under a
tool that makes programs slow (WEFT_WRAPPED is in the environment), they may be late by part of a
second in what they print.
"""
import heapq
import os
import re
import subprocess
import sys
import time

DEFAULT = ["A:5", "B:3:2", "C:4:1"]
LAUNCHES = [[], ["A:1", "B:0:1", "C:2"], ["only:0"]]
WRONG = ["A", "A:", ":5", "A:x", "A:5:", "A:5:x", "A:-1", "A:1:2:3", ""]
TRIES = 3


def expected(launches):
    """What is printed, by the same loop in virtual time: equal times are first in, first out."""

    def countdown(label, length, delay=0):
        yield int(delay)
        lines.append(f"{label} waited {int(delay)}.0 s")
        for left in range(int(length), 0, -1):
            lines.append(f"{label} T-minus {left}")
            yield 1
        lines.append(f"{label} lift-off!")

    lines, heap, turns, now = [], [], 0, 0
    for launch in launches or DEFAULT:
        rocket = countdown(*launch.split(":"))
        heapq.heappush(heap, (next(rocket), turns := turns + 1, rocket))
    while heap:
        now, _, rocket = heapq.heappop(heap)
        if (delay := next(rocket, None)) is not None:
            heapq.heappush(heap, (now + delay, turns := turns + 1, rocket))
    return "".join(line + "\n" for line in lines + [f"total {now}.0 s"]), now


def comparable(text):
    if "WEFT_WRAPPED" not in os.environ:
        return text
    return re.sub(r"(\d+)\.\d s$", r"\1 s", text, flags=re.MULTILINE)


def wrong_in_launch(binaries, launches):
    """The binaries run side by side."""
    text, seconds = expected(launches)
    start = time.monotonic()
    running = [subprocess.Popen([binary] + launches, stdout=subprocess.PIPE, text=True)
               for binary in binaries]
    outputs = [each.communicate()[0] for each in running]
    took = time.monotonic() - start
    for binary, each, output in zip(binaries, running, outputs):
        if (each.returncode, comparable(output)) != (0, comparable(text)):
            return f"{binary} {launches}: status {each.returncode}, and\n{output}instead of\n{text}"
    return f"{launches} took {took:.3f} s, not {seconds}" if took < seconds else None


def wrong_in_refusal(binary, argument):
    done = subprocess.run([binary, "Good:1", argument], capture_output=True, text=True)
    if done.returncode == 2 and f"'{argument}'" in done.stderr and not done.stdout:
        return None
    return f"{binary}: '{argument}' gives status {done.returncode}, {done.stderr}{done.stdout}"


def main():
    binaries = sys.argv[1:]
    for binary in binaries:
        for argument in WRONG:
            if wrong := wrong_in_refusal(binary, argument):
                sys.exit(wrong)
    for launches in LAUNCHES:
        for _ in range(TRIES):
            if not (wrong := wrong_in_launch(binaries, launches)):
                break
        else:
            sys.exit(wrong)


if __name__ == "__main__":
    main()
