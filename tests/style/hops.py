#!/usr/bin/env python3
"""The tables of lib/README.md name the lines that they quote.

usage: hops.py ROOT [--write] | --selftest

A row is `| `FILE:LINE` | `CODE` |`, and the code must stand in that line. --write corrects the
numbers.
"""
import re
import sys
from pathlib import Path

import selftest

README = "lib/README.md"
ROW = re.compile(r"^\| `(?P<file>[\w/.]+):(?P<line>\d+)` \| `(?P<code>.+?)`(?P<rest>[^`]*)\|$")


def lines_with(root, name, code):
    path = root / "lib" / name
    if not path.is_file():
        return []
    return [n for n, text in enumerate(path.read_text().splitlines(), 1) if code in text]


def check(root):
    problems = []
    for number, text in enumerate((root / README).read_text().splitlines(), 1):
        row = ROW.match(text)
        if not row:
            continue
        found = lines_with(root, row["file"], row["code"])
        if not found:
            problems.append(f"{README}:{number}: {row['file']} has no line `{row['code']}`")
        elif int(row["line"]) not in found:
            problems.append(f"{README}:{number}: it stands in {row['file']}:{found[0]}")
    return problems


def write(root):
    def mend(text):
        row = ROW.match(text)
        found = row and lines_with(root, row["file"], row["code"])
        if not found or int(row["line"]) in found:
            return text
        return text.replace(f"{row['file']}:{row['line']}", f"{row['file']}:{found[0]}", 1)

    text = (root / README).read_text()
    (root / README).write_text("".join(mend(line) + "\n" for line in text.splitlines()))


GOOD = {README: "| `a/x.cpp:2` | `go();` => |\n", "lib/a/x.cpp": "void f() {\n  go();\n}\n"}
BAD = [
    ({README: "| `a/x.cpp:1` | `go();` |\n"}, "lib/README.md:1: it stands in a/x.cpp:2"),
    ({README: "| `a/x.cpp:2` | `stay();` |\n"}, "lib/README.md:1: a/x.cpp has no line `stay();`"),
    ({README: "\n| `a/y.cpp:1` | `go();` |\n"}, "lib/README.md:2: a/y.cpp has no line `go();`"),
]

if __name__ == "__main__":
    if sys.argv[2:] == ["--write"]:
        write(Path(sys.argv.pop(1)))
    else:
        selftest.main(check, GOOD, BAD)
