#!/usr/bin/env python3
"""A file includes its own layer and lower ones, and foreign headers have one door each.

usage: layers.py ROOT | --selftest

Prints `file:line: reason`.
"""
import re
from pathlib import Path

import selftest

ORDER = [["base"], ["context"], ["coro"], ["loop"], ["task"], ["sync"], ["io"], ["net", "os"],
         ["debug", "tls"], ["testing"]]
RANK = {layer: rank for rank, layers in enumerate(ORDER) for layer in layers}
DOORS = [  # foreign header, the files that may include it
    (r"boost/", r"lib/context/|bench/reference/"),
    (r"sys/epoll\.h", r"lib/loop/selector_epoll\.cpp|tests/kqueue/|bench/reference/"),
    (r"sys/event\.h", r"lib/(loop/selector_kqueue|os/process_\w+)\.cpp|tests/kqueue/"),
    (r"openssl/", r"lib/tls/|tests/tls/|bench/reference/"),
    (r"fmt/", r"lib/.*\.(cpp|h)|tests/|demos/|bench/"),
    (r"doctest/", r"tests/"),
]
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)([>"])')
CONDITION = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|define|undef)\b")
UMBRELLAS = {  # what includes all public headers of a library, and the layers that it must not bring
    "include/weft/weft.h": {"testing", "tls"}, "include/weft/tls.h": {"testing"}}
USERS = {"demos": "demo", "bench": "benchmark"}  # they use what is public
SWITCH = "include/weft/context/switch.h"  # the one public header with branches


def layer_of(path):
    """The layer of a file by its folder; None for those that may use all of weft."""
    parts = Path(path).parts
    folder = parts[2 if parts[0] == "include" else 1]
    return folder if folder in RANK and len(parts) > 2 else None


def included_layer(name, quoted):
    """The layer of an included file of weft; None if it is foreign, as the system's <net/if.h>."""
    if not quoted and not name.startswith("weft/"):
        return None
    parts = name.removeprefix("weft/").split("/")
    return parts[0] if len(parts) > 1 and parts[0] in RANK else None


def may_include(where, mine, other):
    if mine is None or mine == other or RANK[other] < RANK[mine]:
        return True
    if where.startswith("tests/") and other == "testing":
        return RANK[mine] >= RANK["loop"]  # tests of the lowest layers link nothing above them
    return False


def check_include(where, name, quoted):
    """Yields what is wrong with the line `#include name` in the file `where`."""
    mine, other = layer_of(where), included_layer(name, quoted)
    if f"include/{name}" in UMBRELLAS and mine and mine != "testing":
        yield f"{mine} may not include the umbrella"
    elif other and not may_include(where, mine, other):
        yield f"{mine} may not include {other}"
    elif where.startswith("include/") and not re.fullmatch(r"weft/.*|[a-z_]+", name):
        yield f"a public header may not include <{name}>"
    for header, door in DOORS:
        if re.match(header, name) and not re.match(door, where):
            yield f"<{name}> may not be included here"


def check_file(where, text):
    """Yields (line, reason) for one file."""
    lines = text.split("\n")
    public = where.startswith("include/") and where not in UMBRELLAS
    if public and not lines[0].endswith(f" Layer: {layer_of(where)}."):
        yield 1, f"the first line must end in 'Layer: {layer_of(where)}.'"
    if public and "#pragma once" not in lines:
        yield 1, "no #pragma once"
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        if include:
            quoted = include[2] == '"'
            for reason in check_include(where, include[1], quoted):
                yield number, reason
            private = included_layer(include[1], quoted) and not include[1].startswith("weft/")
            if private and where.startswith("tests/") and "white-box" not in lines[0].lower():
                yield number, "a test of private parts says white-box in its first line"
        if public and where != SWITCH and CONDITION.match(line):
            yield number, "a public header has no conditions and no macros"
        user = USERS.get(str(Path(where).parent))
        if user and re.search(r"\bdetail::", line):
            yield number, f"a {user} does not use detail::"


def brought_in(files, umbrella):
    """The files that a program includes with it."""
    seen, ahead = set(), [umbrella]
    while ahead:
        where = ahead.pop()
        if where in files and where not in seen:
            seen.add(where)
            ahead += ["include/" + m[1] for m in map(INCLUDE.match, files[where].split("\n")) if m]
    return seen


def check_umbrellas(files):
    """Each public header but testing's comes by one of them, and no library by another's."""
    missing = {f for f in files if f.startswith("include/") and layer_of(f) != "testing"}
    for umbrella, others in UMBRELLAS.items():
        seen = brought_in(files, umbrella)
        missing -= seen
        for where in sorted(f for f in seen if layer_of(f) in others):
            yield f"{where}:1: {umbrella.removeprefix('include/')} may not bring it in"
    for where in sorted(missing):
        by = "tls.h" if layer_of(where) == "tls" else "weft.h"
        yield f"{where}:1: not reachable from weft/{by}"


def check(root):
    files = {str(f.relative_to(root)): f.read_text()
             for top in ("include", "lib", "tests", "demos", "bench")
             for f in sorted((root / top).rglob("*")) if f.suffix in (".h", ".cpp")}
    found = [f"{where}:{line}: {reason}" for where, text in files.items()
             for line, reason in check_file(where, text)]
    return found + list(check_umbrellas(files))


def header(layer, rest=""):
    return f"// Something. Layer: {layer}.\n#pragma once\n{rest}"


GOOD = {
    "include/weft/weft.h": "#pragma once\n#include <weft/net/n.h>\n",
    "include/weft/tls.h": "#pragma once\n#include <weft/tls/s.h>\n",
    "include/weft/tls/s.h": header("tls", "#include <weft/net/n.h>\n"),
    "lib/tls/s.cpp": "#include <weft/tls/s.h>\n#include <openssl/ssl.h>\n",
    "include/weft/net/n.h": header("net", "#include <string>\n#include <weft/sync/s.h>\n"),
    "include/weft/sync/s.h": header("sync", "#include <weft/context/switch.h>\n"),
    "include/weft/context/switch.h": header("context", "#if defined(__x86_64__)\n#endif\n"),
    "include/weft/testing/t.h": header("testing", "#include <weft/net/n.h>\n"),
    "lib/net/n.cpp": '#include <weft/net/n.h>\n#include <fmt/core.h>\n#include "sync/s.h"\n',
    "lib/base/b.cpp": "#include <net/if.h>\n",
    "tests/sync/net_test.cpp": "#include <net/if.h>\n",
    "lib/context/c.cpp": "#include <boost/context/detail/fcontext.hpp>\n",
    "tests/sync/s_test.cpp": "// White-box.\n#include <weft/testing/t.h>\n#include \"sync/s.h\"\n",
    "demos/d.cpp": "#include <weft/weft.h>\n",
    "bench/reference/r.cpp": "#include <boost/context/detail/fcontext.hpp>\n",
}
BAD = [
    ({"lib/sync/s.cpp": "\n#include <weft/net/n.h>\n"},
     "lib/sync/s.cpp:2: sync may not include net"),
    ({"lib/sync/s.cpp": '#include "net/n.h"\n'}, "lib/sync/s.cpp:1: sync may not include net"),
    ({"lib/os/p.cpp": "#include <weft/net/n.h>\n"}, "lib/os/p.cpp:1: os may not include net"),
    ({"lib/net/n.cpp": "#include <weft/os/p.h>\n"}, "lib/net/n.cpp:1: net may not include os"),
    ({"lib/net/n.cpp": "#include <weft/testing/t.h>\n"},
     "lib/net/n.cpp:1: net may not include testing"),
    ({"lib/net/n.cpp": "#include <weft/weft.h>\n"},
     "lib/net/n.cpp:1: net may not include the umbrella"),
    ({"lib/tls/s.cpp": "#include <weft/tls.h>\n"},
     "lib/tls/s.cpp:1: tls may not include the umbrella"),
    ({"lib/net/n.cpp": "#include <weft/tls/s.h>\n"}, "lib/net/n.cpp:1: net may not include tls"),
    ({"lib/net/n.cpp": "#include <openssl/ssl.h>\n"},
     "lib/net/n.cpp:1: <openssl/ssl.h> may not be included here"),
    ({"include/weft/weft.h": "#include <weft/net/n.h>\n#include <weft/tls/s.h>\n"},
     "include/weft/tls/s.h:1: weft/weft.h may not bring it in"),
    ({"include/weft/tls/t.h": header("tls")}, "include/weft/tls/t.h:1: not reachable from weft/tls.h"),
    ({"tests/coro/c_test.cpp": "#include <weft/testing/t.h>\n"},
     "tests/coro/c_test.cpp:1: coro may not include testing"),
    ({"tests/sync/s_test.cpp": '\n#include "sync/s.h"\n'},
     "tests/sync/s_test.cpp:2: a test of private parts says white-box in its first line"),
    ({"include/weft/sync/s.h": header("task", "#include <weft/context/switch.h>\n")},
     "include/weft/sync/s.h:1: the first line must end in 'Layer: sync.'"),
    ({"include/weft/testing/t.h": "// Something. Layer: testing.\n"},
     "include/weft/testing/t.h:1: no #pragma once"),
    ({"include/weft/testing/t.h": header("testing", "#include <sys/types.h>\n")},
     "include/weft/testing/t.h:3: a public header may not include <sys/types.h>"),
    ({"include/weft/testing/t.h": header("testing", "#ifdef __linux__\n")},
     "include/weft/testing/t.h:3: a public header has no conditions and no macros"),
    ({"include/weft/testing/t.h": header("testing", "  # define X\n")},
     "include/weft/testing/t.h:3: a public header has no conditions and no macros"),
    ({"lib/net/n.cpp": "#include <boost/asio.hpp>\n"},
     "lib/net/n.cpp:1: <boost/asio.hpp> may not be included here"),
    ({"lib/loop/l.cpp": "#include <sys/epoll.h>\n"},
     "lib/loop/l.cpp:1: <sys/epoll.h> may not be included here"),
    ({"demos/d.cpp": "weft::detail::x();\n"}, "demos/d.cpp:1: a demo does not use detail::"),
    ({"bench/b.cpp": "weft::detail::x();\n"}, "bench/b.cpp:1: a benchmark does not use detail::"),
    ({"bench/b.cpp": "#include <sys/epoll.h>\n"},
     "bench/b.cpp:1: <sys/epoll.h> may not be included here"),
    ({"include/weft/io/i.h": header("io")}, "include/weft/io/i.h:1: not reachable from weft/weft.h"),
]

if __name__ == "__main__":
    selftest.main(check, GOOD, BAD)
