#!/usr/bin/env python3
"""The programs of PORTING.md do what the page says.

usage: page.py cut PAGE TITLE KIND OUT   writes a block (python, cpp or text) of the section to OUT
       page.py check PAGE TITLE PROGRAM  runs both programs: each has to print the section's text
       page.py titles PAGE               the sections that have programs

A section is a heading of level 2, and a block of each kind. What asyncio does is shown by the
CPython that is here, if it is 3.11 or later; the C++ program is run in any case.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = ("python", "cpp", "text")


def sections(page):
    """{title: {kind: text}} of the sections that have blocks."""
    found = {}
    for part in re.split(r"^## ", page.read_text(), flags=re.M)[1:]:
        title = part.splitlines()[0].strip()
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", part, flags=re.M | re.S)
        if not blocks:
            continue
        kinds = [kind for kind, _ in blocks]
        if sorted(kinds) != sorted(KINDS):
            sys.exit(f"{page.name}: section {title!r} has blocks {kinds}, not one each of {KINDS}")
        found[title] = dict(blocks)
    return found


def compare(what, command, expected):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0 or done.stdout != expected:
        sys.exit(f"{what} ended with {done.returncode} and printed\n{done.stdout}{done.stderr}"
                 f"where the page says\n{expected}")


def check(section, program):
    compare("the C++ program", [program], section["text"])
    if sys.version_info < (3, 11):
        return print("the Python program needs 3.11: not run")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "program.py"
        script.write_text(section["python"])
        compare("the Python program", [sys.executable, script], section["text"])


def main(command, page, *arguments):
    page = Path(page)
    if command == "titles":
        return print("\n".join(sections(page)))
    section = sections(page)[arguments[0]]
    if command == "cut":
        Path(arguments[2]).write_text(section[arguments[1]])
    else:
        check(section, arguments[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
