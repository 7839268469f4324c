#!/usr/bin/env python3
"""What must not compile does not, and says why.

usage: compile_fail.py INCLUDE COMPILER [ARGS...]

Each snippet has a part that is wrong and one that is right in its place: the latter must compile, so
that no snippet fails for another reason than its own.
"""
import os
import subprocess
import sys

PROLOGUE = """
#include <memory>
#include <string>
#include <vector>
#include <weft/coro/async_for.h>
#include <weft/coro/async_generator.h>
#include <weft/coro/async_with.h>
#include <weft/coro/await.h>
using namespace weft;
Coroutine<int> answer() { return {[] { return 42; }}; }
Generator<int> ints() { return {[](auto& self) { self.yield(1); }}; }
Generator<std::string> strings() { return {[](auto& self) { self.yield("a"); }}; }
Generator<int, int> echoes() { return {[](auto& self) { self.yield(1); }}; }
struct Object { int next(); };
struct Iterator { Step<int> next(); };
AsyncGenerator<int> ticks() { return {[](auto& self) { self.yield(1); }}; }
AsyncGenerator<int, int> replies() { return {[](auto& self) { self.yield(1); }}; }
struct Manager { int aenter(); bool aexit(std::exception_ptr); };
struct HalfManager { int aenter(); void aexit(std::exception_ptr); };
"""
# name, snippet with WHAT, the wrong WHAT, the right one, what the compiler says
CASES = [
    ("await of an int", "int f() { return await(WHAT); }", "3", "answer()",
     "await() needs a coroutine, a task, a future, or an object with await()"),
    ("await of a string", "void f(std::string s) { await(WHAT); }", "s", "answer()",
     "await() needs a coroutine, a task, a future, or an object with await()"),
    ("await of a generator that is asynchronous", "void f() { await(WHAT); }", "ticks()",
     "ticks().anext()",
     "await() needs a coroutine, a task, a future, or an object with await()"),
    ("async_for over a generator that is not asynchronous",
     "void f() { async_for(WHAT, [](int) {}); }", "ints()", "ticks()",
     "async_for() needs an AsyncGenerator, or an object with anext()"),
    ("async_for over a vector", "void f() { async_for(WHAT, [](int) {}, [] {}); }",
     "std::vector<int>()", "ticks()",
     "async_for() needs an AsyncGenerator, or an object with anext()"),
    ("async_for with a body for something else",
     "void f() { async_for(ticks(), [](WHAT) {}); }", "std::string", "int",
     "async_for() needs a body that can be called with an item"),
    ("a loop over a generator that is asynchronous",
     "void f() { for (int i : WHAT) (void)i; }", "ticks()", "ints()", "begin"),
    ("async_with what has no aenter()", "void f() { async_with(WHAT, [] {}); }",
     "ticks()", "Manager()",
     "async_with() needs an object with aenter() and aexit(std::exception_ptr) -> bool"),
    ("async_with an aexit() that does not say whether to go on",
     "void f() { async_with(WHAT, [] {}); }", "HalfManager()", "Manager()",
     "async_with() needs an object with aenter() and aexit(std::exception_ptr) -> bool"),
    ("asend() to a generator that receives nothing",
     "void f() { WHAT.asend(1); }", "ticks()", "replies()", "asend"),
    ("an asynchronous generator of references", "AsyncGenerator<WHAT>* f();"
     " void g() { f()->anext(); }", "int&", "int",
     "the items of an AsyncGenerator are objects: no references, nothing const"),
    ("a copy of an asynchronous generator",
     "AsyncGenerator<int> f(AsyncGenerator<int>& g) { return WHAT; }", "g", "std::move(g)",
     "delete"),
    ("yield_from an asynchronous generator",
     "Generator<int> f() { return {[](auto& self) { self.yield_from(WHAT); }}; }",
     "ticks()", "ints()", "yield_from"),
    ("yield_from another Yield",
     "Generator<int> f() { return {[](auto& self) { self.yield_from(WHAT); }}; }",
     "strings()", "ints()", "yield_from"),
    ("yield_from another Send",
     "Generator<int> f() { return {[](auto& self) { self.yield_from(WHAT); }}; }",
     "echoes()", "ints()", "yield_from"),
    ("yield_from a range of something else",
     "Generator<int> f() { return {[](auto& self) { self.yield_from(WHAT); }}; }",
     "std::vector<std::string>()", "std::vector<short>()", "yield_from"),
    ("yield_from an object whose next() gives no Step",
     "Generator<int> f() { return {[](auto& self) { self.yield_from(WHAT); }}; }",
     "Object()", "Iterator()", "yield_from"),
    ("yield of another type",
     "Generator<int*> f() { return {[](auto& self) { self.yield(WHAT); }}; }",
     "3", "nullptr", ""),
    ("send() to a generator that receives nothing",
     "void f(Generator<int> g, Generator<int, int> h) { WHAT.send(1); }", "g", "h", "send"),
    ("a copy of a generator", "Generator<int> f(Generator<int>& g) { return WHAT; }",
     "g", "std::move(g)", "delete"),
    ("a copy of a coroutine", "Coroutine<int> f(Coroutine<int>& c) { return WHAT; }",
     "c", "std::move(c)", "delete"),
    ("a loop over a generator that must be sent values",
     "void f() { for (int i : WHAT) (void)i; }", "echoes()", "ints()", ""),
]


def errors_of(command, text):
    """What the compiler says of a program that it refuses; None if it does not."""
    done = subprocess.run(command, input=PROLOGUE + text, text=True, capture_output=True,
                          env=dict(os.environ, LC_ALL="C"))
    return done.stderr if done.returncode != 0 else None


def main():
    include, *compiler = sys.argv[1:]
    command = compiler + ["-std=c++20", "-fsyntax-only", "-I", include, "-x", "c++", "-"]
    wrong = []
    right = "".join(f"namespace case{i} {{ {snippet.replace('WHAT', good)} }}\n"
                    for i, (_, snippet, _, good, _) in enumerate(CASES))
    if errors := errors_of(command, right):
        wrong.append(f"what is right does not compile:\n{errors}")
    for name, snippet, bad, _, message in CASES:
        errors = errors_of(command, snippet.replace("WHAT", bad))
        if errors is None:
            wrong.append(f"{name}: compiles")
        elif message not in errors:
            wrong.append(f"{name}: the compiler does not say '{message}' but:\n{errors}")
    print("\n".join(wrong) or f"{len(CASES)} wrong programs are refused")
    sys.exit(1 if wrong else 0)


main()
