#!/usr/bin/env python3
"""Sums up a run of `meson test` in one last line: N passed, N failed.

usage: run_summary.py BUILD/meson-logs/testlog.json | --selftest

A program that uses doctest counts with its test cases, any other program as one. A program that
crashed or ran out of time, whatever it had counted, adds a failure. Nothing run is a failure.
"""
import json
import re
import sys
from pathlib import Path

CASES = re.compile(r"\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed")
COLOURS = re.compile(r"\x1b\[[\d;]*m")
GOOD = ("OK", "EXPECTEDFAIL")


def count(runs):
    passed = failed = 0
    for run in runs:
        if run["result"] == "SKIP":
            continue
        cases = CASES.findall(COLOURS.sub("", run.get("stdout") or ""))
        good = run["result"] in GOOD
        of_cases = [int(p) for p, _ in cases], [int(f) for _, f in cases]
        passed += sum(of_cases[0]) if cases else good
        failed += max(sum(of_cases[1]), not good)
    return (passed, failed) if passed or failed else (0, 1)


def selftest():
    def run(result, stdout=None):
        return {"result": result, "stdout": stdout}

    line = "[doctest] test cases: {} | {} passed | {} failed | 0 skipped\n".format
    assert count([run("OK", line(12, 12, 0)), run("OK", "hello"), run("OK")]) == (14, 0)
    assert count([run("OK", "\x1b[0m[doctest] test cases:  3 | \x1b[32m 3 passed\x1b[0m | "
                      "0 failed | 0 skipped")]) == (3, 0)
    assert count([run("FAIL", line(12, 10, 2)), run("OK")]) == (11, 2)
    assert count([run("FAIL", line(3, 3, 0))]) == (3, 1)  # a leak found after the last case
    assert count([run("ERROR", "Segmentation fault"), run("TIMEOUT")]) == (0, 2)
    assert count([run("SKIP"), run("OK")]) == (1, 0)
    assert count([]) == (0, 1)


if __name__ == "__main__":
    if sys.argv[1:] == ["--selftest"]:
        sys.exit(selftest())
    log = Path(sys.argv[1])
    lines = log.read_text().splitlines() if log.exists() else []
    passed, failed = count(map(json.loads, lines))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
