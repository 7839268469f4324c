"""Planting faults: what the scripts mutants.py of several folders share.

A fault is a Mutant. It is planted in a copy of include/ and lib/; what sees the changed file is
compiled again, as in a meson build folder in which the tests have been built, and some test must
fail.
"""
import functools
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TIME = 60  # seconds for the tests: a mutant may run for ever
JOBS = 2


class Mutant(NamedTuple):
    name: str
    file: str
    old: str  # text, however it is laid out; it must stand there once
    new: str
    tests: tuple = ()  # names of test files that are enough: of a header that all of them see
    target: str = ""  # what is built in place of the script's own


def pattern(text):
    return re.compile(r"\s+".join(re.escape(word) for word in text.split()))


def mutate(folder, mutant):
    for part in ("include", "lib"):
        shutil.copytree(ROOT / part, folder / part)
    path = folder / mutant.file
    text, count = pattern(mutant.old).subn(lambda match: mutant.new, path.read_text())
    if count != 1:
        sys.exit(f"{mutant.file}: found {count} times, not once: {mutant.old}")
    path.write_text(text)


@functools.cache
def ninja(build, *arguments):
    done = subprocess.run(["ninja", "-C", build, "-t", *arguments], text=True, capture_output=True,
                          check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("ninja:")]


@functools.cache
def seen_by(build):
    """Of each object the files that it was made of."""
    objects, current = {}, None
    for line in ninja(build, "deps"):
        if line and not line.startswith(" "):
            current = objects.setdefault(line.split(":")[0], set())
        elif line.strip():
            current.add((Path(build) / line.strip()).resolve())
    return objects


def compile_into(build, folder, command, made, level):
    """The command, but with the sources of the folder, and nothing for a debugger."""
    changed = {"-O2": level, "-g": "-g0"}
    command = [changed.get(word, word) for word in command if word != "-MD"]
    for option in ("-MQ", "-MF"):
        del command[command.index(option):command.index(option) + 2]
    source = (Path(build) / command[command.index("-c") + 1]).resolve()
    copy = folder / source.relative_to(ROOT)
    command[command.index("-c") + 1] = str(copy if copy.exists() else source)
    command[command.index("-o") + 1] = made
    at = next(i for i, word in enumerate(command) if word.startswith("-I"))
    command[at:at] = ["-w", f"-I{folder}/include", f"-I{folder}/lib"]
    subprocess.run(command, cwd=build, check=True)


def rebuild(build, folder, target, mutant, level):
    """Compiles again what sees the changed file, and links. Returns the program's path."""
    objects = seen_by(build)
    commands = [shlex.split(line) for line in ninja(build, "commands", target)]
    link = commands.pop()
    own, added, left_out = {}, [], set()
    for number, command in enumerate(commands):
        if "-c" not in command:
            continue
        name = command[command.index("-o") + 1]
        source = (Path(build) / command[command.index("-c") + 1]).resolve()
        is_test = not source.is_relative_to(ROOT / "lib")
        if mutant.tests and is_test and name in link and source.name not in mutant.tests:
            left_out.add(name)
            continue
        if ROOT / mutant.file not in objects.get(name, ()):
            continue
        if mutant.tests and not is_test and source != ROOT / mutant.file:
            continue  # inline functions are taken from the tests, which come first
        made = own[name] = str(folder / f"{number}.o")
        if not is_test:
            added.append(made)  # in front of the archive, which is not asked for it then
        compile_into(build, folder, command, made, level)
    program = folder / "program"
    link[link.index("-o") + 1] = str(program)
    link = [own.get(word, word) for word in link if word not in left_out]
    at = link.index("-o") + 2
    link[at:at] = ["-Wl,--strip-debug", *added]
    subprocess.run(link, cwd=build, check=True)
    return program


def complaint(program):
    """Which test fails first, or nothing."""
    try:
        done = subprocess.run([program, "--abort-after=1"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, errors="replace", timeout=TIME)
    except subprocess.TimeoutExpired:
        return "does not end"
    if done.returncode == 0:
        return ""
    failed = re.search(r"TEST CASE: +(.*)", done.stdout)
    return f"not so: {failed[1]}" if failed else "crashes"


def attempt(build, target, mutant, complain, level):
    """Returns whether a test noticed it, and a line about it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mutate(folder, mutant)
        said = complain(rebuild(build, folder, mutant.target or target, mutant, level))
    return bool(said), f"{mutant.name}: {said}" if said else f"FAIL {mutant.name}: no test fails"


def main(usage, target, mutants, complain=complaint, optimized=False):
    """Attempts the mutants whose names are arguments, or all. `complain` gives what the tests of a
    program say. What is optimized runs faster; the rest is made faster."""
    if len(sys.argv) < 2:
        sys.exit(usage)
    build, names = sys.argv[1], sys.argv[2:]
    chosen = [mutant for mutant in mutants if not names or mutant.name in names]
    caught = 0
    with ThreadPoolExecutor(JOBS) as pool:
        level = "-O2" if optimized else "-O0"
        for good, line in pool.map(lambda mutant: attempt(build, target, mutant, complain, level),
                                   chosen):
            print(line, flush=True)
            caught += good
    print(f"{caught} passed, {len(chosen) - caught} failed")
    return caught != len(chosen)
