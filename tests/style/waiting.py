#!/usr/bin/env python3
"""tests/waiting/functions.md names the tests of each function that waits, for each of seven cases.

usage: waiting.py ROOT | --selftest

Functions that wait are read from the public headers: those whose description has a `Suspends:`
label, or refers to one that has. The first table names a test for each case, through which all
rows of the contract go; the second one, the rows of functions. A function that has a section of its
own instead lists its tests there, or a reason why there is no such case.
"""
import re
from pathlib import Path

import selftest

TABLE = "tests/waiting/functions.md"
CONTRACT = "tests/waiting/cases.h"
CASES = ["return", "before", "while", "woken", "limit", "loop", "error"]

TEXT = r'"((?:[^"\\]|\\.)*)"'
TEST = re.compile(r"TEST_CASE(?:_TEMPLATE|_FIXTURE)?\((?:\w+,)?\s*" + TEXT)
ROW = re.compile(r"\brow<[^;()]*>\(\s*" + TEXT)
LABEL = re.compile(r"\bSuspends\b[\w, ]*:")
SAYS = re.compile(r"\bsuspend\b|\bWaits\.")
NEVER = re.compile(r"\bnever (suspends|waits)\b", re.I)
REFERS = re.compile(r"As `?([\w:]+)\(\)")
SCOPE = re.compile(r"(?:class|struct)\s+(?:\[\[.*?\]\]\s*)?([\w:]+)[^;()]*$|"
                   r"namespace (?:weft::)?(detail)")


class Header:
    """The functions of one header, as `Class::name`, and whether they wait."""

    def __init__(self, text, elsewhere):
        self.elsewhere = elsewhere
        self.scopes = []  # (depth, name) of the classes around the present line
        self.depth = 0
        self.known = {}  # name: whether it waits
        self.last = {}  # scope: whether the function described before waits
        self.read(text.split("\n"))

    def scope(self):
        return "::".join(name for _, name in self.scopes)

    def read(self, lines):
        doc = []
        for at, line in enumerate(lines):
            stripped = line.strip()
            if stripped.startswith("///"):
                doc.append(stripped[3:].strip())
                continue
            code = re.sub(r'//.*|"(?:[^"\\]|\\.)*"', "", line)
            if doc and stripped:
                self.describe(" ".join(doc), declaration(lines[at:]))
                doc = []
            self.follow(code)

    def follow(self, code):
        opens = SCOPE.search(code.split("{")[0]) if "{" in code else None
        if opens and not code.strip().startswith(("enum", "template <class T> requires")):
            self.scopes.append((self.depth, opens[1] or opens[2]))
        self.depth += code.count("{") - code.count("}")
        while self.scopes and self.depth <= self.scopes[-1][0]:
            self.scopes.pop()

    def describe(self, doc, declared):
        name = function_name(declared)
        scope = self.scope()
        if name is None or scope.startswith("detail") and not LABEL.search(doc):
            return
        scope = re.sub(r"^detail(::)?", "", scope)
        full = f"{scope}::{name}" if scope else name
        waits = bool(LABEL.search(doc)) or not NEVER.search(doc) and (
            bool(SAYS.search(doc)) or self.refers(doc, scope))
        self.last[scope] = waits
        self.known[full] = waits or self.known.get(full, False)

    def refers(self, doc, scope):
        if doc.startswith("The same"):
            return self.last.get(scope, False)
        other = REFERS.match(doc)
        if not other:
            return False
        near = f"{scope}::{other[1]}" if scope else other[1]
        return self.known.get(near, self.known.get(other[1], other[1] in self.elsewhere))


def declaration(lines):
    """What a description stands before, up to its body or end."""
    text = ""
    for line in lines:
        text += " " + re.sub(r"//.*", "", line).strip()
        if re.search(r"[;{]", re.sub(r"= \{\}|\{\}", "", text)):
            break
    return text.strip()


def function_name(declared):
    """None if it declares something else."""
    text = re.sub(r"\[\[.*?\]\]", "", declared)
    while re.match(r"\s*template <", text):
        text = after_brackets(text)
    if re.match(r"\s*(class|struct|enum|using|concept)\b", text):
        return None
    text = re.sub(r"^\s*requires\b(?:\s*\(.*?\)| [^ ]+)(?: (?:&&|\|\|) (?:\(.*?\)|[^ ]+))*", "", text)
    called = re.search(r"([~\w]+)\s*\(", text.replace("decltype(auto)", "auto"))
    return called[1] if called else None


def after_brackets(text):
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "<") - (sign == ">" and text[at - 1] != "-")
        if sign == ">" and depth == 0:
            return text[at + 1:]
    return ""


def waiting_functions(root):
    """Each by the header in which it is."""
    texts = {str(path.relative_to(root)): path.read_text()
             for path in sorted((root / "include").rglob("*.h"))}
    found = {}
    for _ in range(2):  # a description may refer to a function of another header
        for where, text in texts.items():
            known = Header(text, found).known
            found.update({name: where for name, waits in known.items() if waits})
    return found


def names_in(path, pattern):
    return set(pattern.findall(path.read_text())) if path.is_file() else set()


class Table:
    """functions.md. `problems` are those of its form."""

    def __init__(self, text):
        self.contract = {}  # case: tests
        self.rows = {}  # function: rows
        self.own = {}  # function: {case: text}
        self.problems = []
        section = None
        for line in text.split("\n"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            heading = re.match(r"### `(.*)`", line)
            item = re.match(r"- (\w+): (.*)", line)
            if heading:
                section = self.own.setdefault(heading[1], {})
            elif item and section is not None:
                section[item[1]] = item[2]
            elif line.startswith("| `") and len(cells) == 2:
                name = cells[0].strip("`")
                if name in self.rows:
                    self.problems.append(f"`{name}` is listed twice")
                self.rows.setdefault(name, []).extend(re.findall(r"`(.*?)`", cells[1]))
            elif line.startswith("|") and len(cells) == 2 and cells[0] in CASES:
                self.contract.setdefault(cells[0], []).append(cells[1])


def check_contract(root, table):
    tests = names_in(root / CONTRACT, TEST)
    for case in CASES:
        if case not in table.contract:
            yield f"no test of the contract is named for '{case}'"
    for test in (test for tests in table.contract.values() for test in tests):
        if test not in tests:
            yield f"{CONTRACT} has no test '{test}'"
    for test in sorted(tests - {test for each in table.contract.values() for test in each}):
        yield f"the test '{test}' of the contract has no case"


def check_rows(root, table):
    there = set()
    for path in sorted((root / "tests").glob("*/waiting_functions_test.cpp")):
        there |= names_in(path, ROW)
    named = {row for rows in table.rows.values() for row in rows}
    for function, rows in table.rows.items():
        if not rows:
            yield f"`{function}` names no row"
        yield from (f"`{function}`: there is no row '{row}'" for row in rows if row not in there)
    yield from (f"the row '{row}' belongs to no function" for row in sorted(there - named))


def check_own(root, function, cases):
    """The section of a function with tests of its own."""
    for case in cases:
        if case not in CASES:
            yield f"`{function}`: there is no case '{case}'"
    for case in CASES:
        text = cases.get(case, "")
        test = re.fullmatch(r"`([\w/.]+)`: (.+)", text)
        if test and test[2] not in names_in(root / "tests" / test[1], TEST):
            yield f"`{function}`, {case}: tests/{test[1]} has no test '{test[2]}'"
        elif not test and not re.fullmatch(r"none, .{10,}", text):
            yield f"`{function}`, {case}: it wants `FILE`: TEST, or none, and why"


def check(root):
    table = Table((root / TABLE).read_text())
    problems = table.problems + [*check_contract(root, table), *check_rows(root, table)]
    waiting = waiting_functions(root)
    listed = {**table.rows, **table.own}
    for function, where in waiting.items():
        if function not in listed:
            problems.append(f"`{function}` of {where} waits, and is not listed")
    problems += [f"`{function}` is listed, but no header says that it waits"
                 for function in listed if function not in waiting]
    for function, cases in table.own.items():
        problems += check_own(root, function, cases)
    return [f"{TABLE}: {problem}" for problem in problems]


# ---- the self-test

GOOD_HEADER = """
/// Waits, all of them:
/// Suspends:  until then.
class Door {
 public:
  /// Suspends:  until it is open.
  void wait();
  /// The same, of several.
  template <class T>
    requires(sizeof(T) > 0) && std::same_as<T, int>
  int wait_all(T what = {});
  /// The same, but it never waits.
  bool try_wait();
  /// True if it is.
  bool is_open() const { return open_; }
  /// As wait(), for long.
  [[nodiscard]] auto wait_long() -> int;
  struct Handle {
    /// A line. Waits.
    std::string read();
  };
};
/// Suspends: always.
template <class F>
decltype(auto) nap(F&& f);
namespace detail {
/// As nap().
void drowse();
}
"""
GOOD_TABLE = """
| case | test |
|---|---|
""" + "".join(f"| {case} | {case} goes well |\n" for case in CASES) + """
| function | rows |
|---|---|
| `Door::wait` | `a door`, `a gate` |
| `Door::wait_all` | `a door` |
| `Door::wait_long` | `a door` |
| `Door::Handle::read` | `a "handle"` |

### `nap`

""" + "".join(f"- {case}: none, it is over by then\n" for case in CASES[:-1]) + (
    "- error: `a/nap_test.cpp`: a nap fails\n")
GOOD = {
    "include/weft/a/door.h": GOOD_HEADER,
    TABLE: GOOD_TABLE.replace('a "handle"', "a handle"),
    CONTRACT: "".join(f'TEST_CASE("{case} goes well") {{}}\n' for case in CASES),
    "tests/a/waiting_functions_test.cpp":
        'row<D<int>>("a door", {}), row<G>(\n "a gate"), row<H>("a handle")',
    "tests/a/nap_test.cpp": 'TEST_CASE_FIXTURE(F, "a nap fails") {}\n',
}


def change(name, old, new):
    assert old in GOOD[name], old
    return {name: GOOD[name].replace(old, new)}


BAD = [
    ({"include/weft/a/new.h": "/// Suspends: always.\nvoid doze();\n"},
     f"{TABLE}: `doze` of include/weft/a/new.h waits, and is not listed"),
    (change("include/weft/a/door.h", "/// As nap().", "/// Suspends: always."),
     f"{TABLE}: `drowse` of include/weft/a/door.h waits, and is not listed"),
    (change("include/weft/a/door.h", "/// True if it is.", "/// Suspends: no.\n  ///"),
     f"{TABLE}: `Door::is_open` of include/weft/a/door.h waits, and is not listed"),
    (change("include/weft/a/door.h", "/// The same, of several.", "/// Of several."),
     f"{TABLE}: `Door::wait_all` is listed, but no header says that it waits"),
    (change("include/weft/a/door.h", "/// As wait(), for long.", "/// As is_open()."),
     f"{TABLE}: `Door::wait_long` is listed, but no header says that it waits"),
    (change(TABLE, "`a gate`", "`a gate`, `a gap`"),
     f"{TABLE}: `Door::wait`: there is no row 'a gap'"),
    (change(TABLE, ", `a gate`", ""), f"{TABLE}: the row 'a gate' belongs to no function"),
    (change(TABLE, "| `Door::wait` | `a door`, `a gate` |", "| `Door::wait` | `a door` |\n"
            "| `Door::wait` | `a gate` |"),
     f"{TABLE}: `Door::wait` is listed twice"),
    (change("tests/a/nap_test.cpp", "a nap fails", "a nap"),
     f"{TABLE}: `nap`, error: tests/a/nap_test.cpp has no test 'a nap fails'"),
    (change(TABLE, "- loop: none, it is over by then", "- loop: none"),
     f"{TABLE}: `nap`, loop: it wants `FILE`: TEST, or none, and why"),
    (change(TABLE, "- loop: none, it is over by then\n", ""),
     f"{TABLE}: `nap`, loop: it wants `FILE`: TEST, or none, and why"),
    (change(TABLE, "- loop:", "- hoop: none, it is over by then\n- loop:"),
     f"{TABLE}: `nap`: there is no case 'hoop'"),
    (change(TABLE, "| loop | loop goes well |\n", "| loop | loop goes well |\n| loop | it is |\n"),
     f"{TABLE}: {CONTRACT} has no test 'it is'"),
    ({**change(TABLE, "| loop | loop goes well |\n", ""),
      **change(CONTRACT, 'TEST_CASE("loop goes well") {}\n', "")},
     f"{TABLE}: no test of the contract is named for 'loop'"),
    ({CONTRACT: GOOD[CONTRACT] + 'TEST_CASE("more") {}\n'},
     f"{TABLE}: the test 'more' of the contract has no case"),
]

if __name__ == "__main__":
    selftest.main(check, GOOD, BAD)
