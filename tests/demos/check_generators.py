#!/usr/bin/env python3
"""usage: check_generators.py BINARY"""
import subprocess
import sys

EXPECTED = """\
lazy_range: 0, 1, 2, 3, 4
jumping_range: 0, 2, 3, 2, 3, 4
top: yields 42, returns 84
down_and_up: 5, 4, 3, 2, 1, 0, 1, 2, 3, 4
interleaved: a1 b1 a2 b2 b3 a3
x y z and then StopIteration(3)
"""

done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
if (done.returncode, done.stdout, done.stderr) != (0, EXPECTED, ""):
    sys.exit(f"status {done.returncode}, and\n{done.stdout}{done.stderr}instead of\n{EXPECTED}")
