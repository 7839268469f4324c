#!/usr/bin/env python3
"""Compares the interpreter's traces with recorded ones, or with those of CPython 3.11.7.

usage: check.py INTERPRETER CORPUS
       check.py INTERPRETER --random KIND SEED COUNT [SIZE]
       check.py --selftest

Programs that exceptions.txt names are reported as such, and must differ. The last line is
`N passed, N failed`.
"""
import contextlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SHOWN = 3  # differences that are printed in full
TIME = 120  # seconds for all programs of a run


class Program:
    def __init__(self, name):
        self.name = name
        self.lines = []
        self.trace = []


def read_programs(text):
    """The programs of a corpus, with their recorded traces."""
    programs = []
    in_trace = False
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["program"]:
            programs.append(Program(words[1]))
        if not programs:
            continue
        if words == ["trace"]:
            in_trace = True
        elif not in_trace:
            programs[-1].lines.append(line)
        elif words == ["end"]:
            in_trace = False
        else:
            programs[-1].trace.append(line.strip())
    return programs


def read_traces(output):
    """What the interpreter printed: name to lines. A program without its `end` is left out."""
    traces = {}
    name, lines = None, []
    for line in output.splitlines():
        if line.startswith("program "):
            name, lines = line.split()[1], []
        elif line == "end":
            traces[name] = lines
        else:
            lines.append(line)
    return traces


def run(interpreter, programs):
    """Name to (trace, how it ended). Goes on behind a program that crashes."""
    results = {}
    while programs:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join("\n".join(p.lines) for p in programs))
            file.flush()
            try:
                done = subprocess.run([interpreter, file.name], capture_output=True, text=True,
                                      errors="replace", timeout=TIME)
                output, end = done.stdout, f"exit status {done.returncode}\n{done.stderr.strip()}"
                if done.returncode == 0:
                    end = ""
            except subprocess.TimeoutExpired as error:
                output, end = (error.stdout or b"").decode(), f"no answer within {TIME} s"
        traces = read_traces(output)
        results.update((name, (trace, "")) for name, trace in traces.items())
        missing = [i for i, p in enumerate(programs) if p.name not in traces]
        if not missing:
            if end:
                results[programs[-1].name] = (traces[programs[-1].name], end)
            break
        results[programs[missing[0]].name] = ([], end or "no trace")
        programs = programs[missing[0] + 1:]
    return results


def show(program, trace, end):
    print(f"FAIL {program.name}")
    if end:
        print("  " + end)
        return
    print("\n".join("    " + line for line in program.lines[:60]))
    at = 0
    while program.trace[at:at + 1] == trace[at:at + 1]:
        at += 1
    print(f"  first difference at line {at + 1} of the trace")
    print("\n".join("      " + line for line in program.trace[max(0, at - 4):at]))
    for who, lines in (("expected", program.trace), ("got", trace)):
        print(f"    {who + ':':9} {(lines[at:at + 1] or ['(the end)'])[0]}")


def read_exceptions(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: reason.strip() for name, reason in (line.split(":", 1) for line in lines)}


def compare(programs, results, exceptions):
    """Returns the number of programs that passed, of those that failed, and of exceptions."""
    passed = failed = excused = 0
    for program in programs:
        trace, end = results[program.name]
        same = trace == program.trace and not end
        if program.name in exceptions and not same:
            print(f"exception {program.name}: {exceptions[program.name]}")
            excused += 1
        elif program.name in exceptions:
            print(f"FAIL {program.name}: an exception that passes")
            failed += 1
        elif same:
            passed += 1
        else:
            if failed < SHOWN:
                show(program, trace, end)
            else:
                print(f"FAIL {program.name}")
            failed += 1
    return passed, failed, excused


def generate(kind, seed, count, size="10"):
    command = [sys.executable, HERE / "oracle.py", "gen", "--kind", kind, "--seed", seed,
               "--count", count, "--size", size, "--traces"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def selftest():
    text = ("# two programs\nprogram a generator\nmain\n  log 1\nend\ntrace\n| main: log 1\nend\n"
            "program b generator\nmain\nend\ntrace\nend\n")
    a, b = read_programs(text)
    assert a.lines == ["program a generator", "main", "  log 1", "end"]
    assert (a.trace, b.trace) == (["| main: log 1"], [])
    assert read_traces("program a\n| x\nend\nprogram b\n| y\n") == {"a": ["| x"]}
    right = {"a": (["| main: log 1"], ""), "b": ([], "")}
    assert compare([a, b], right, {}) == (2, 0, 0)
    assert compare([a, b], right, {"b": "passes"}) == (1, 1, 0)
    assert compare([a, b], {**right, "a": ([], "")}, {}) == (1, 1, 0)
    assert compare([a, b], {**right, "b": ([], "exit status 1")}, {}) == (1, 1, 0)
    assert compare([a, b], {**right, "b": (["| z"], "")}, {"b": "differs"}) == (1, 0, 1)
    with tempfile.TemporaryDirectory() as folder:
        crashing = Path(folder, "interpreter")
        crashing.write_text(f"#!{sys.executable}\nimport sys\n"
                            "for line in open(sys.argv[1]):\n"
                            "    if line.startswith('program a'): sys.exit(3)\n"
                            "    if line.startswith('program b'): print('program b\\nend')\n")
        crashing.chmod(0o700)
        results = run(crashing, [a, b])
    assert results["a"][1].startswith("exit status 3") and results["b"] == ([], "")


def main(arguments):
    interpreter, *rest = arguments
    if rest[0] == "--random":
        text = generate(*rest[1:])
    else:
        text = Path(rest[0]).read_text()
    programs = read_programs(text)
    exceptions = read_exceptions((HERE / "exceptions.txt").read_text())
    passed, failed, excused = compare(programs, run(interpreter, programs), exceptions)
    if excused:
        print(f"{excused} exceptions")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--selftest"]:
        with contextlib.redirect_stdout(io.StringIO()):
            selftest()
        sys.exit()
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
