#!/usr/bin/env python3
"""The demo of TLS fetches what its own server serves, and refuses who is not believed.

usage: check_tls_get.py BINARY
"""
import subprocess
import sys

PAGE = "{0} by TLSv1.3, CN=localhost: HTTP/1.1 {1}\nYou have asked for {0}.\n"
REFUSED = "who has not been told to believe it does not: self-signed certificate\n"
RUNS = [  # arguments, status, stdout, stderr
    ([], 0, PAGE.format("/", "200 OK") + PAGE.format("/missing", "404 Not Found") + REFUSED, ""),
    (["/a/b", "/"], 0, PAGE.format("/a/b", "200 OK") + PAGE.format("/", "200 OK") + REFUSED, ""),
    (["/" + "x" * 20_000], 0, PAGE.format("/" + "x" * 20_000, "200 OK") + REFUSED, ""),
    (["page"], 2, "", "tls_get: 'page' is no path\n"),
]

for arguments, status, out, errors in RUNS:
    done = subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, timeout=50)
    got = (done.returncode, done.stdout, done.stderr)
    if got != (status, out, errors):
        sys.exit(f"tls_get {arguments}: {got!r} instead of {(status, out, errors)!r}")
