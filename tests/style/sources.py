#!/usr/bin/env python3
"""Every source and test stands in its folder's meson.build, and nothing else does.

usage: sources.py ROOT [--write] | --selftest

A forgotten name means code that nobody builds and tests that nobody runs. --write mends the
first `files(...)` of each meson.build; names that stand elsewhere in it (chosen by platform)
stay where they are.
"""
import re
import sys
from pathlib import Path

import selftest

KINDS = {"lib": (".cpp", ".S"), "tests": ("_test.cpp",), "demos": (".cpp",), "bench": (".cpp",)}
LIST = re.compile(r"files\(([^()]*)\)")
NAME = re.compile(r"'([^']+\.(?:cpp|S))'")


def folders(root):
    for top, endings in KINDS.items():
        base = root / top
        for folder in [base] if top in ("demos", "bench") else sorted(base.glob("*/")):
            if (folder / "meson.build").exists() or any(folder.glob("*" + endings[0])):
                yield folder, endings


def compare(folder, endings):
    """Returns (the build file, its names, the sources that exist)."""
    build = folder / "meson.build"
    text = build.read_text() if build.exists() else ""
    code = re.sub(r"#.*", "", text)
    here = {f.name for f in folder.iterdir() if f.name.endswith(endings)}
    # 'entry_@0@.S' stands for each entry_x.S
    patterns = [re.escape(n).replace("@0@", r"\w+") for n in NAME.findall(code)]
    missing = {n for n in here if not any(re.fullmatch(p, n) for p in patterns)}
    vanished = {n for n in NAME.findall(code)
                if n.endswith(endings) and "@" not in n and n not in here}
    return build, missing, vanished


def check(root):
    found = []
    for folder, endings in folders(root):
        build, missing, vanished = compare(folder, endings)
        where = build.relative_to(root)
        found += [f"{where}:1: {name} is not listed" for name in sorted(missing)]
        optional = build.exists() and "fs.exists" in build.read_text()
        found += [f"{where}:1: {name} does not exist" for name in sorted(vanished) if not optional]
    return found


def write(root):
    for folder, endings in folders(root):
        build, missing, vanished = compare(folder, endings)
        text = build.read_text() if build.exists() else "sources = files()\n"
        block = LIST.search(text)
        before = set(NAME.findall(block[1])) if block else set()
        names = (before | missing) - vanished
        if not block or names == before and build.exists():
            continue
        lines = "".join(f"\n  '{name}'," for name in sorted(names))
        body = f"files({lines}\n)" if names else "files()"
        build.write_text(text[:block.start()] + body + text[block.end():])
        print(f"{build.relative_to(root)}: written")


GOOD = {
    "lib/loop/meson.build": "sources = files('a.cpp')\nsources += files('entry_@0@.S'.format(cpu))\n",
    "lib/loop/a.cpp": "", "lib/loop/entry_x86_64.S": "", "lib/loop/a.h": "",
    "tests/loop/meson.build": "sources = files(\n  'a_test.cpp',\n)\n",
    "tests/loop/a_test.cpp": "",
    "bench/meson.build": "sources = files('a.cpp')\n", "bench/a.cpp": "", "bench/reference/r.cpp": "",
}
BAD = [
    ({"bench/b.cpp": ""}, "bench/meson.build:1: b.cpp is not listed"),
    ({"lib/loop/b.cpp": ""}, "lib/loop/meson.build:1: b.cpp is not listed"),
    ({"tests/loop/b_test.cpp": ""}, "tests/loop/meson.build:1: b_test.cpp is not listed"),
    ({"lib/task/t.cpp": ""}, "lib/task/meson.build:1: t.cpp is not listed"),
    ({"lib/loop/meson.build": "sources = files('a.cpp', 'gone.cpp', 'entry_@0@.S')\n"},
     "lib/loop/meson.build:1: gone.cpp does not exist"),
    ({"lib/loop/meson.build": "sources = files('entry_@0@.S')  # 'a.cpp'\n"},
     "lib/loop/meson.build:1: a.cpp is not listed"),
]

if __name__ == "__main__":
    if "--write" in sys.argv:
        write(Path(sys.argv[1]))
    else:
        selftest.main(check, GOOD, BAD)
