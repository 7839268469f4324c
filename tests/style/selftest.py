"""What the checkers of this folder share: how they run, and how they prove that they can fail."""
import sys
import tempfile
from pathlib import Path


def run_on(check, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check(Path(folder))


def selftest(check, good, bad):
    """The tree `good` passes; each change in `bad` is found, and nothing but it."""
    wrong = [f"good tree: {reason}" for reason in run_on(check, good)]
    for change, expected in bad:
        found = run_on(check, {**good, **change})
        if found != [expected]:
            wrong.append(f"expected only {expected!r}, found {found}")
    return wrong


def main(check, good, bad):
    """usage: CHECKER ROOT | --selftest"""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ROOT | --selftest")
    found = selftest(check, good, bad) if sys.argv[1] == "--selftest" else check(Path(sys.argv[1]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
