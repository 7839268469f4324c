#!/usr/bin/env python3
"""Files and functions stay small enough to be read at one sitting.

usage: budgets.py ROOT | --selftest

Prints `file:line: reason`. A function is measured from its first line to its closing brace, as
clang-format leaves them; the lambdas in it count with it.
"""
import re

import selftest

FUNCTION = 50
FILES = [  # pattern, lines, functions too?
    ("include/**/*.h", 250, True),
    ("lib/**/*.h", 250, True),
    ("lib/**/*.cpp", 450, True),
    ("tests/**/*.h", 250, False),
    ("tests/**/*.cpp", 450, False),
    ("demos/*.cpp", 100, True),
    ("bench/*.cpp", 60, True),
]
BLANKED = re.compile(
    r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|' r"(?<!\w)'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def blank(text):
    """The same text with comments and literals empty, line by line."""
    text = BLANKED.sub(lambda m: '""' + "\n" * m[0].count("\n"), text)
    text = re.sub(r"(?<=[\w>])\{[^{};]*\}", lambda m: "\n" * m[0].count("\n"), text)  # a_{a}
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m[0].count("\n"), text,
                  flags=re.MULTILINE)


def is_function(head):
    """Whether a brace after `head` opens a function; else it opens a scope or an initializer."""
    bare = re.sub(r"template\s*<[^{}]*?>\s*(?=\w)", "", head)
    if SCOPE.search(re.sub(r"\([^()]*\)", "", bare)) and not re.search(r"\)\s*\w*\s*$", bare):
        return False
    return "(" in bare or re.search(r"\boperator\b", bare) is not None


def functions(text):
    """Yields (first line, lines) of each function that is in no other."""
    code = blank(text)
    head_start = depth = 0
    inside = None  # (depth, first line) of the function being read
    for brace in re.finditer(r"[{};]", code):
        char, at = brace[0], brace.start()
        if char == "{":
            head = code[head_start:at]
            if inside is None and is_function(head):
                start = head_start + len(head) - len(head.lstrip())
                inside = (depth, code.count("\n", 0, start) + 1)
            depth += 1
        elif char == "}":
            depth -= 1
            if inside and inside[0] == depth:
                yield inside[1], code.count("\n", 0, at) + 2 - inside[1]
                inside = None
        head_start = at + 1


def check(root):
    found = []
    for pattern, limit, with_functions in FILES:
        for path in sorted(root.glob(pattern)):
            text = path.read_text()
            where = path.relative_to(root)
            if text.count("\n") > limit:
                found.append(f"{where}:{limit + 1}: {text.count(chr(10))} lines, {limit} allowed")
            for line, length in functions(text) if with_functions else ():
                if length > FUNCTION:
                    found.append(f"{where}:{line}: a function of {length} lines, "
                                 f"{FUNCTION} allowed")
    return found


def body(lines):
    return "  f();\n" * lines


GOOD = {
    "include/weft/a.h": "namespace weft {\nclass A {\n public:\n" + body(100) + "};\n}\n",
    "lib/a.cpp": "namespace weft {\nnamespace {\nint f() {\n" + body(48) + "}\n"
                 "constexpr const char* kText = \"{\"; // }\n"
                 "int g(char c) {\n  if (c == '{') {\n" + body(45) + "  }\n}\n}\n}\n",
    "tests/a_test.cpp": "TEST_CASE(\"a\") {\n" + body(60) + "}\n",
    "demos/a.cpp": "int main() {\n  weft::run([] {\n" + body(46) + "  });\n}\n",
}
BAD = [
    ({"include/weft/b.h": "\n" * 251}, "include/weft/b.h:251: 251 lines, 250 allowed"),
    ({"lib/b.cpp": "\n" * 451}, "lib/b.cpp:451: 451 lines, 450 allowed"),
    ({"demos/b.cpp": "\n" * 101}, "demos/b.cpp:101: 101 lines, 100 allowed"),
    ({"bench/b.cpp": "\n" * 61}, "bench/b.cpp:61: 61 lines, 60 allowed"),
    ({"lib/b.cpp": "namespace weft {\n\nint f() {\n" + body(49) + "}\n}\n"},
     "lib/b.cpp:3: a function of 51 lines, 50 allowed"),
    ({"lib/b.cpp": "struct S {\n  S(int a)\n      : a_{a} {\n" + body(50) + "  }\n};\n"},
     "lib/b.cpp:2: a function of 53 lines, 50 allowed"),
    ({"lib/b.cpp": "template <class T>\nT f(\n    struct tm* t) {\n" + body(47) + "}\n"},
     "lib/b.cpp:1: a function of 51 lines, 50 allowed"),
]

if __name__ == "__main__":
    selftest.main(check, GOOD, BAD)
