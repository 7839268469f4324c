#!/usr/bin/env python3
"""The game plays as the same rules in Python say, in real time and without.

usage: check_frame_loop.py BINARY
"""
import subprocess
import sys

FRAME, STEP, FIRST, SECOND = 10**9 // 60, 100_000_000, 750_000_000, 250_000_000
WIDTH = 32
RUNS = [([], 150), (["--fast"], 150), (["1", "--fast"], 1), (["60", "--fast"], 60), (["12"], 12)]
WRONG = ["0", "-1", "x", ""]


def expected(frames):
    ship, step, hit, torpedoes, lines = 20, 1, False, [], []
    patrol, shots = STEP, [FIRST]
    for frame in range(frames):
        now = frame * FRAME
        for torpedo in list(torpedoes):
            torpedo[0] += 1
            if torpedo[0] >= ship:
                hit = True
                torpedoes.remove(torpedo)
        if now >= patrol:
            patrol = now + STEP
            step = -step if ship in (1, WIDTH - 2) else step
            ship += step
        if shots and now >= shots[0]:
            shots = [now + SECOND] if len(shots) == 1 and shots[0] == FIRST else []
            torpedoes.append([0])
        if frame % 10 == 0 or hit:
            line = ["."] * WIDTH
            for column, in torpedoes:
                line[column] = "-"
            line[ship] = "*" if hit else "A"
            lines.append(f"{frame:4} {''.join(line)}\n")
        if hit:
            break
    return "".join(lines)


def main():
    binary = sys.argv[1]
    for arguments, frames in RUNS:
        done = subprocess.run([binary] + arguments, capture_output=True, text=True)
        if (done.returncode, done.stdout, done.stderr) != (0, expected(frames), ""):
            sys.exit(f"{arguments}: status {done.returncode}, {done.stderr}\n{done.stdout}"
                     f"instead of\n{expected(frames)}")
    if "*" not in expected(150):
        sys.exit("the ship is never hit")
    for argument in WRONG:
        done = subprocess.run([binary, argument], capture_output=True, text=True)
        if done.returncode != 2 or f"'{argument}'" not in done.stderr:
            sys.exit(f"'{argument}' gives status {done.returncode}, {done.stderr}")


if __name__ == "__main__":
    main()
