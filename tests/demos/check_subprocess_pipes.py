#!/usr/bin/env python3
"""The demo runs pipelines as a shell does, prints each line as it comes, and says what is wrong.

usage: check_subprocess_pipes.py BINARY
"""
import signal
import subprocess
import sys

RUNS = [  # arguments, what is read, what is printed
    # sort cannot write all that it has: nobody reads the rest, and SIGPIPE ends it
    ([], "", "> 99997\n> 99987\n> 99979\n"
             "seq 100000: status 0\ngrep 7: status 0\nsort -rn: signal 13\nhead -n 3: status 0\n"
             "lines: 3\n"),
    (["sort"], "b\na\n", "> a\n> b\nsort: status 0\nlines: 2\n"),
    (["cat", "cat", "cat", "tr a-z A-Z"], "x\n" * 1000,
     "> X\n" * 1000 + "cat: status 0\n" * 3 + "tr a-z A-Z: status 0\nlines: 1000\n"),
    (["true", "false"], "", "true: status 0\nfalse: status 1\nlines: 0\n"),
]
WRONG = [
    (["no-such-program"], "execve of 'no-such-program': No such file or directory"),
    (["yes", "no-such-program"], "execve of 'no-such-program': No such file or directory"),
    ([" "], "COMMAND: it is empty"),
]


def same(got, wanted, what):
    if got != wanted:
        sys.exit(f"{what}: {got!r} instead of {wanted!r}")


def run(binary, arguments, text=""):
    done = subprocess.run([binary, *arguments], input=text, capture_output=True, text=True,
                          timeout=50)
    return done.returncode, done.stdout, done.stderr


def check_lines(binary):
    """Each line comes back before the next one is sent."""
    process = subprocess.Popen([binary, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    for line in "one\n", "two\n":
        process.stdin.write(line)
        process.stdin.flush()
        same(process.stdout.readline(), f"> {line}", "a line at a time")
    rest = process.communicate(timeout=20)[0]
    same((process.returncode, rest), (0, "cat: status 0\nlines: 2\n"), "the end of the input")


def check_interrupt(binary):
    process = subprocess.Popen([binary, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    process.stdin.write(b"up\n")
    process.stdin.flush()
    same(process.stdout.readline(), b"> up\n", "a line before Ctrl-C")
    process.send_signal(signal.SIGINT)
    same(process.wait(timeout=20), 130, "Ctrl-C")
    process.communicate()


def main():
    binary = sys.argv[1]
    for arguments, text, output in RUNS:
        same(run(binary, arguments, text), (0, output, ""), arguments)
    for arguments, error in WRONG:
        same(run(binary, arguments), (2, "", f"subprocess_pipes: {error}\n"), arguments)
    check_lines(binary)
    check_interrupt(binary)


if __name__ == "__main__":
    main()
