#!/usr/bin/env python3
"""Prints the public headers, one a line, as programs include them. usage: headers.py ROOT"""
import sys
from pathlib import Path

include = Path(sys.argv[1], "include")
print("\n".join(sorted(str(h.relative_to(include)) for h in include.rglob("*.h"))))
