#!/usr/bin/env python3
"""Shows that the corpora notice mistakes in the delegation code.

usage: mutants.py BUILD [NAME...]

Each mutant is one change of the text of the library. The interpreter is built with it, as in BUILD
(a meson build folder in which that has been built), and must print some trace that differs. Prints
a line for each mutant; the last line is `N passed, N failed`.
"""
import subprocess
import sys
from pathlib import Path

import check

sys.path.insert(0, str(check.HERE.parent))
from mutation import TIME, Mutant, main

CORPORA = ["named_generator", "named_coroutine", "found_generator", "found_coroutine",
           "random_generator", "random_coroutine",
           "named_asyncgen", "found_asyncgen",
           "random_asyncgen"]

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
     "if (state.caught || state.uncaught) [[unlikely]] return switch_while_handling(from, to);",
     ""),
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


def complaint(interpreter):
    """Which corpus noticed it, or nothing."""
    for corpus in CORPORA:
        wrong, all_of_them = differences(interpreter, corpus)
        if wrong:
            return f"{wrong} of {all_of_them} programs of {corpus} differ"
    return ""


if __name__ == "__main__":
    sys.exit(main(__doc__, "tests/conformance/conformance",
                  [Mutant(*mutant) for mutant in MUTANTS], complaint, optimized=True))
