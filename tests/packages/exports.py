#!/usr/bin/env python3
"""A library gives away weft's names and no others.

usage: exports.py LIBRARY... | --selftest

Foreign names that came out would meet those of another version in the same process.
"""
import re
import shutil
import subprocess
import sys

SKIPPED = 77
# A name in namespace weft, or what belongs to one: vtable, typeinfo, guard, thunk, thread_local.
OURS = re.compile(r"weft_jump$|_Z(T[VTISHW]P?K?|T[hv]n?\d+_(n?\d+_)?|GV)?Z*N[VKRO]*4weft")


def foreign(names):
    return [name for name in names if not OURS.match(name)]


def exported(library):
    listed = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library],
                            capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listed.stdout.splitlines()]


def check(library):
    names = exported(library)
    wrong = [f"{library}: exports {name}" for name in foreign(names)]
    return wrong if names else [f"{library}: exports nothing"]


def selftest():
    good = ["weft_jump", "_ZN4weft5sleepE", "_ZNK4weft5Event6is_setEv", "_ZTVN4weft5ErrorE",
            "_ZTIN4weft5ErrorE", "_ZGVZN4weft1fEvE1x", "_ZThn16_N4weft5ErrorD0Ev",
            "_ZTWN4weft6detail12running_loopE", "_ZN4wefteqERKNS_7AddressES2_", "_ZTIPN4weft1AE"]
    bad = ["jump_fcontext", "_ZN5boost7context1fEv", "_ZN3fmt2v96formatEv", "_ZTVSt9exception",
           "_ZNSt6vectorIN4weft4TaskEE9push_backEv", "weft_jumper", "_ZN5wefty1fEv",
           "main"]
    assert foreign(good + bad) == bad, foreign(good + bad)


if __name__ == "__main__":
    if sys.argv[1:] == ["--selftest"]:
        sys.exit(selftest())
    if not shutil.which("nm"):
        print("skipped: there is no nm")
        sys.exit(SKIPPED)
    problems = [problem for library in sys.argv[1:] for problem in check(library)]
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
