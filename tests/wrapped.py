#!/usr/bin/env python3
"""Runs a test with our programs in it under a tool: `meson test --wrapper` for more than one level.

usage: wrapped.py BUILD [--without FILE] TOOL [OPTIONS...] -- COMMAND [ARGUMENTS...]
       wrapped.py --selftest

If COMMAND is a program in the folder BUILD, the tool runs it; if it begins with the tool, meson has
put that there. If it is something else, a checker in Python say, then each argument that is a program
in BUILD is replaced by a script that runs it under the tool.

FILE names, one a line, the test cases that the tool cannot run; `#` begins a comment. {log} in an
option stands for a file of its own for each process (%p); a line in one that begins with `==`, which
is how Valgrind writes of errors, makes the test fail.
"""
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

KILLED = "Process terminating with default action of signal"  # the test says whether it may


def is_program(argument, build):
    path = Path(argument).resolve()
    if not (path.is_file() and path.is_relative_to(build) and os.access(path, os.X_OK)):
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def script_for(program, tool, folder):
    script = folder / "bin" / str(len(list(folder.glob("bin/*")))) / Path(program).name
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec {shlex.join(tool)} {shlex.quote(program)} "$@"\n')
    script.chmod(0o700)
    return str(script)


def without(file):
    """The option of doctest that leaves out the cases that `file` names."""
    lines = file.read_text().splitlines() if file else []
    names = [line.replace(",", "?") for line in lines if line and not line.startswith("#")]
    return ["--test-case-exclude=" + ",".join(names)] if names else []


def errors_in(logs):
    """What the tool wrote of errors; a process that a signal killed writes where that was."""
    found = ""
    for log in logs:
        text = log.read_text(errors="replace")
        if any(line.startswith("==") for line in text.splitlines()) and KILLED not in text:
            found += text
    return found


def run(build, tool, command, left_out=None):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        tool = [option.replace("{log}", str(folder / "%p.log")) for option in tool]
        if is_program(command[0], build):
            command = tool + command
        elif Path(command[0]).name != Path(tool[0]).name:
            command = [script_for(each, tool, folder) if is_program(each, build) else each
                       for each in command]
        if any(each.endswith("_tests") for each in command):
            command = command + without(left_out)
        status = subprocess.run(command, env={**os.environ, "WEFT_WRAPPED": "1"}).returncode
        errors = errors_in(folder.glob("*.log"))
    if errors:
        print(errors, file=sys.stderr)
    return status or int(bool(errors))


def selftest():
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder).resolve()
        program, tool, quiet = build / "program", build / "tool", build / "quiet"
        program.write_bytes(Path(sys.executable).resolve().read_bytes())
        program.chmod(0o700)
        tool.write_text('#!/bin/sh\necho "==1== wrong" >"$(echo "$1" | sed s/%p/$$/)"\n')
        quiet.write_text("#!/bin/sh\nshift\nexit 3\n")
        for script in tool, quiet:
            script.chmod(0o700)
        shell = ["/bin/sh", "-c", '"$0"; exit 0', str(program)]
        assert run(build, [str(tool), "{log}"], [str(program)]) == 1
        assert run(build, [str(tool), "{log}"], shell) == 1
        assert run(build, [str(tool), "{log}"], ["true", "elsewhere"]) == 0
        assert run(build, [str(quiet), "{log}"], [str(program)]) == 3
        assert run(build, [str(quiet), "{log}"], shell) == 0
        names = build / "names"
        names.write_text("# why\na, b: c\n\nd\n")
        assert without(names) == ["--test-case-exclude=a? b: c,d"]
        several = build / "several_tests"
        several.write_text('#!/bin/sh\ntest "$1" = "--test-case-exclude=a? b: c,d"\n')
        several.chmod(0o700)
        assert run(build, ["tool"], [str(several)], names) == 0
        assert run(build, ["tool"], [str(several)]) == 1
        killed = build / "killed.log"
        killed.write_text(f"==1== {KILLED} 11\n")
        assert errors_in([killed]) == ""


def main(arguments):
    if arguments == ["--selftest"]:
        sys.stderr = open(os.devnull, "w")
        return selftest()
    if "--" not in arguments[2:-1] or not os.path.isdir(arguments[0]):
        sys.exit(__doc__)
    at = arguments.index("--")
    tool, left_out = arguments[1:at], None
    if tool[0] == "--without":
        left_out, tool = Path(tool[1]), tool[2:]
    return run(Path(arguments[0]).resolve(), tool, arguments[at + 1:], left_out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
