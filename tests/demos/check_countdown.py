#!/usr/bin/env python3
"""The countdown prints what the loop written by hand prints, and ends at Ctrl-C.

usage: check_countdown.py BINARY
"""
import signal
import subprocess
import sys

import check_sleeping_loop


def check_ctrl_c(binary):
    countdown = subprocess.Popen(
        [binary, "A:1000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a shell that starts a program in the background lets it ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    for line in "A waited 0.0 s\n", "A T-minus 1000\n":
        if (got := countdown.stdout.readline()) != line:
            sys.exit(f"printed {got!r} instead of {line!r}")
    countdown.send_signal(signal.SIGINT)
    rest, errors = countdown.communicate(timeout=20)
    if (countdown.returncode, rest, errors) != (130, "", ""):
        sys.exit(f"Ctrl-C gives status {countdown.returncode}, {errors}{rest}")


if __name__ == "__main__":
    check_ctrl_c(sys.argv[1])
    check_sleeping_loop.main()
