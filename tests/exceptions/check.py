#!/usr/bin/env python3
"""Exceptions pass and frames are told across switches; a debugger sees a task's stack whole.

usage: check.py PROGRAM

Without gdb, or under a tool that runs the program in another one, the second half is left out.
"""
import os
import re
import shutil
import subprocess
import sys

# Innermost first. What comes between is inlined or not, as the compiler likes.
FRAMES = ["look_here", "innermost", "middle", "outermost", "run_routine", "weft_main", "weft_start"]
STOPS = 3  # a task, a generator in a task, a generator in no task
FRAME = re.compile(r"^#\d+ +(?:0x[0-9a-f]+ in )?(.*)$", re.MULTILINE)


def names(text):
    """Names of functions, of the frames of each stop."""
    return [[re.split(r"[ (<]", frame)[0].rsplit("::", 1)[-1] if "run_routine" not in frame
             else "run_routine" for frame in FRAME.findall(stop)]
            for stop in text.split("== stop\n")[1:]]


def wrong_in(frames):
    rest = iter(frames)
    for name in FRAMES:
        if not any(frame == name for frame in rest):
            return f"there is no {name} where it should be in {frames}"
    behind = list(rest)
    return f"{behind} come after weft_start" if behind else None


def debug(program):
    commands = ["set pagination off", "set breakpoint pending on", "break look_here", "run"]
    for _ in range(STOPS):
        commands += ["echo == stop\\n", "backtrace", "continue"]
    done = subprocess.run(
        ["gdb", "-nx", "-batch"] + [f"--eval-command={each}" for each in commands] + [program],
        capture_output=True, text=True, timeout=100)
    return done.stdout + done.stderr


def main(program):
    done = subprocess.run([program], capture_output=True, text=True)
    if (done.returncode, done.stdout, done.stderr) != (0, "0 wrong\n", ""):
        sys.exit(f"status {done.returncode}\n{done.stdout}{done.stderr}")
    if "WEFT_WRAPPED" in os.environ or not shutil.which("gdb"):
        return print("no debugger was asked")
    text = debug(program)
    if "ptrace: Operation not permitted" in text:
        return print("the debugger may not trace")
    stops = names(text)
    wrong = [reason for frames in stops if (reason := wrong_in(frames))]
    if wrong or len(stops) != STOPS or not all(stops):
        sys.exit("\n".join(wrong + [text]))


if __name__ == "__main__":
    main(sys.argv[1])
