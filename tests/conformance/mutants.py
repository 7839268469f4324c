#!/usr/bin/env python3
"""Shows that the corpora notice mistakes in the delegation code.

usage: mutants.py BUILD [NAME...]

Each mutant is a copy of include/ and lib/ with one change of the text. The interpreter is built
with it, as in BUILD (a meson build folder), and must print some trace that differs. Prints a line
for each mutant; the last line is `N passed, N failed`.
"""
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import check

ROOT = check.HERE.parent.parent
TARGET = "tests/conformance/conformance"
CORPORA = ["named_generator", "named_coroutine", "found_generator", "found_coroutine",
           "random_generator", "random_coroutine",
           "named_asyncgen", "found_asyncgen",
           "random_asyncgen"]
TIME = 60  # seconds for a corpus: a mutant may run for ever

MUTANTS = [  # name, file, text, what stands there instead
    ("throw not forwarded", "lib/coro/routine.cpp",
     "Routine* target = &leaf;",
     "Routine* target = &leaf; if (mode == Mode::Throw && from.target) {"
     " unlink(from); from.thrown = error; return from; }"),
    ("close outermost first", "lib/coro/routine.cpp",
     "Routine* target = &leaf;",
     "Routine* target = &leaf; if (mode == Mode::Close && from.target) {"
     " unlink(from); from.thrown = generator_exit(); return from; }"),
    ("stale leaf pointer", "lib/coro/chain.cpp",
     "if (target.delegator == &delegator) target.delegator = nullptr; ++coro_thread.shape;",
     "if (target.delegator == &delegator) target.delegator = nullptr;"),
    ("return value lost", "lib/coro/delegation.cpp",
     "if (frame.outer) return frame.outer->result;",
     "if (frame.outer) return nullptr;"),
    ("stray StopIteration let out", "lib/coro/routine.cpp",
     "error = stray_stop(routine.kind, std::current_exception());",
     "error = std::current_exception();"),
    ("GeneratorExit thrown, not closed", "lib/coro/routine.cpp",
     "const bool exits = mode == Mode::Throw",
     "const bool exits = false && mode == Mode::Throw"),
    ("ignored GeneratorExit not reported", "lib/coro/routine.cpp",
     "if (end.outcome == Outcome::Yielded) std::rethrow_exception(ignored_exit(kind));",
     ""),
    ("re-entrance not refused", "lib/coro/routine.cpp",
     "if (is_executing(routine)) std::rethrow_exception(already_executing(routine.kind));",
     ""),
    ("not delegating while a throw passes", "lib/coro/routine.cpp",
     "return root->forwards && routine.base.since != root->serial;",
     "return false;"),
    ("exceptions not carried across a switch", "include/weft/context/switch.h",
     "state->caught = caught; state->uncaught = uncaught;",
     "static_cast<void>(caught), static_cast<void>(uncaught);"),
    ("second await not refused", "lib/coro/delegation.cpp",
     "is_delegating(*target))",
     "false)"),
    ("StopIteration of an ended target kept", "include/weft/coro/generator_impl.h",
     "if (R* value = stop.value<R>()) result.emplace(std::move(*value));",
     "throw;"),
    ("close() of an iterator not called", "include/weft/coro/yield_from.h",
     "if constexpr (requires { target.close(); }) target.close();",
     ""),
    ("a second step is let in", "lib/coro/async_routine.cpp",
     'if (generator_->busy) throw RuntimeError("anext()',
     'if (false) throw RuntimeError("anext()'),
    ("a step can be awaited twice", "lib/coro/async_routine.cpp",
     "if (phase_ == Phase::Ended) throw",
     "if (false) throw"),
    ("the end of a step is not noted", "lib/coro/async_routine.cpp",
     "request.generator_->busy = false; if (ends)",
     "if (ends)"),
    ("athrow() is over after a wait", "lib/coro/async_routine.cpp",
     "if (verb_ == Verb::Throw) return to_item(false, step);",
     "if (verb_ == Verb::Throw) return to_item(true, step);"),
    ("a thrown aclose() leaves nothing running", "lib/coro/async_routine.cpp",
     "return verb_ == Verb::Close ? to_end(false, step)",
     "return verb_ == Verb::Close ? to_end(true, step)"),
    ("aclose() does not mark the generator", "lib/coro/async_routine.cpp",
     "generator_->stopped = true; return to_end(true,",
     "return to_end(true,"),
    ("an item during aclose() is let out", "lib/coro/async_routine.cpp",
     "end(); std::rethrow_exception(ignored_exit(RoutineKind::AsyncGenerator));",
     "end(); return Outcome::Item;"),
    ("aclose() closes what is inside instead of throwing", "lib/coro/routine.cpp",
     "return throw_to(routine, Mode::Inject, std::move(error), nullptr);",
     "return throw_to(routine, Mode::Throw, std::move(error), nullptr);"),
    ("the value of asend() is lost", "lib/coro/async_routine.cpp",
     "if (!sent.value) sent = first;",
     ""),
    ("what is sent to a fresh step is lost", "lib/coro/async_routine.cpp",
     "if (!sent.value) sent = first;",
     "sent = first;"),
    ("StopAsyncIteration let out of a body", "lib/coro/routine.cpp",
     "if (routine.kind == RoutineKind::AsyncGenerator && is_async_stop(error))",
     "if (false)"),
    ("closing the awaiting coroutine closes the generator", "lib/coro/async_routine.cpp",
     "} catch (const GeneratorExit&) { close(); throw;",
     "} catch (const GeneratorExit&) { error = std::current_exception();"),
    ("closing the awaiting coroutine leaves the step open", "lib/coro/async_routine.cpp",
     "} catch (const GeneratorExit&) { close(); throw;",
     "} catch (const GeneratorExit&) { throw;"),
    ("an awaiting coroutine does not count as such while it passes on",
     "lib/coro/async_routine.cpp",
     "frame.delegating = true; frame.since", "frame.since"),
    ("athrow() at an ended generator raises", "lib/coro/async_routine.cpp",
     "if (generator_->state == State::Closed) {",
     "if (false) {"),
    ("a swallowed GeneratorExit is not reported", "lib/coro/routine.cpp",
     "} else if (!end.error && routine.kind == RoutineKind::AsyncGenerator) {",
     "} else if (false) {"),
]


def pattern(text):
    """The text, however it is laid out."""
    return re.compile(r"\s+".join(re.escape(word) for word in text.split()))


def mutate(folder, name, old, new):
    for part in ("include", "lib"):
        shutil.copytree(ROOT / part, folder / part)
    path = folder / name
    text, count = pattern(old).subn(lambda match: new, path.read_text())
    if count != 1:
        sys.exit(f"{name}: found {count} times, not once: {old}")
    path.write_text(text)


def commands(build):
    """What ninja would run to make the interpreter, from scratch."""
    done = subprocess.run(["ninja", "-C", build, "-t", "commands", TARGET], text=True,
                          capture_output=True, check=True)
    return [shlex.split(line) for line in done.stdout.splitlines() if not line.startswith("ninja:")]


def rebuild(build, folder, changed):
    """Compiles again what sees the changed file. Returns the interpreter's path."""
    objects = []
    parts = ["lib/coro"]
    if changed.startswith("include/"):
        parts += ["lib/context", "tests/conformance"]
    for command in commands(build):
        if "-c" not in command:
            continue
        source = (Path(build) / command[command.index("-c") + 1]).resolve()
        part = next((p for p in parts if source.is_relative_to(ROOT / p)), None)
        if part is None:
            continue
        copy = folder / source.relative_to(ROOT)
        objects.append(folder / f"{len(objects)}.o")
        for option in ("-MQ", "-MF"):
            del command[command.index(option):command.index(option) + 2]
        command[command.index("-o") + 1] = str(objects[-1])
        command[command.index("-c") + 1] = str(copy if copy.exists() else source)
        compiler = 2 if Path(command[0]).name == "ccache" else 1
        command[compiler:compiler] = ["-w", f"-I{folder}/include", f"-I{folder}/lib"]
        command.remove("-MD")
        subprocess.run(command, cwd=build, check=True)
    return link(build, folder, objects, parts)


def link(build, folder, objects, parts):
    command = commands(build)[-1]
    interpreter = folder / "interpreter"
    command[command.index("-o") + 1] = str(interpreter)
    replaced = {"lib/coro": "liblayer_coro.a", "lib/context": "liblayer_context.a"}
    gone = [replaced[part] for part in parts if part in replaced]
    own = "tests/conformance" in parts
    kept = [word for word in command if Path(word).name not in gone and
            not (own and word.startswith(TARGET + ".p/"))]
    at = kept.index("-o")
    kept[at:at] = map(str, objects)
    subprocess.run(kept, cwd=build, check=True)
    return interpreter


def differences(interpreter, corpus):
    """How many programs of the corpus show another trace, and how many there are."""
    path = check.HERE / "corpus" / f"{corpus}.txt"
    programs = check.read_programs(path.read_text())
    try:
        output = subprocess.run([interpreter, path], stdout=subprocess.PIPE, errors="replace",
                                stderr=subprocess.DEVNULL, timeout=TIME).stdout
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode()
    traces = check.read_traces(output)
    return sum(traces.get(p.name) != p.trace for p in programs), len(programs)


def attempt(build, mutant):
    """Returns whether a corpus noticed it, and a line about it."""
    name, file, old, new = mutant
    with tempfile.TemporaryDirectory() as folder:
        mutate(Path(folder), file, old, new)
        interpreter = rebuild(build, Path(folder), file)
        for corpus in CORPORA:
            wrong, all_of_them = differences(interpreter, corpus)
            if wrong:
                return True, f"{name}: {wrong} of {all_of_them} programs of {corpus} differ"
    return False, f"FAIL {name}: no trace differs"


def main(build, names):
    chosen = [mutant for mutant in MUTANTS if not names or mutant[0] in names]
    caught = 0
    with ThreadPoolExecutor(2) as pool:
        for good, line in pool.map(lambda mutant: attempt(build, mutant), chosen):
            print(line, flush=True)
            caught += good
    print(f"{caught} passed, {len(chosen) - caught} failed")
    return caught != len(chosen)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
