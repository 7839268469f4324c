#!/usr/bin/env python3
"""README's table names all that asyncio makes public, and each row its test or a reason.

usage: asyncio_names.py ROOT | --selftest
"""
import re
import sys
from pathlib import Path

# asyncio.__all__ of CPython 3.11, but what begins with an underscore.
NAMES = """
ALL_COMPLETED AbstractChildWatcher AbstractEventLoop AbstractEventLoopPolicy AbstractServer Barrier
BaseEventLoop BaseProtocol BaseTransport BoundedSemaphore BrokenBarrierError BufferedProtocol
CancelledError Condition DatagramProtocol DatagramTransport DefaultEventLoopPolicy Event
FIRST_COMPLETED FIRST_EXCEPTION FastChildWatcher Future Handle IncompleteReadError
InvalidStateError LifoQueue LimitOverrunError Lock MultiLoopChildWatcher PidfdChildWatcher
PriorityQueue Protocol Queue QueueEmpty QueueFull ReadTransport Runner SafeChildWatcher
SelectorEventLoop Semaphore SendfileNotAvailableError Server StreamReader StreamReaderProtocol
StreamWriter SubprocessProtocol SubprocessTransport Task TaskGroup ThreadedChildWatcher Timeout
TimeoutError TimerHandle Transport WriteTransport all_tasks as_completed create_subprocess_exec
create_subprocess_shell create_task current_task ensure_future gather get_child_watcher
get_event_loop get_event_loop_policy get_running_loop iscoroutine iscoroutinefunction isfuture
new_event_loop open_connection open_unix_connection run run_coroutine_threadsafe set_child_watcher
set_event_loop set_event_loop_policy shield sleep start_server start_unix_server timeout timeout_at
to_thread wait wait_for wrap_future
""".split()


def problems(text, exists):
    table = text.split("\n| asyncio | weft |", 1)[-1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")]
            for line in table.splitlines()[2:]]
    named = set()
    for row in rows:
        if len(row) != 3 or not all(row):
            yield f"a row needs three cells: {' | '.join(row)}"
            continue
        named.update(re.findall(r"`(\w+)`", row[0]))
        links = re.findall(r"\]\((.*?)\)", row[2])
        if not links and row[1] != "left out":
            yield f"a row names no test: {row[0]}"
        yield from (f"there is no {link}" for link in links if not exists(link))
    yield from (f"the table lacks {name}" for name in NAMES if name not in named)


def selftest():
    def table(rows):
        return "x\n\n| asyncio | weft | shown by |\n|---|---|---|\n" + rows + "\n\nend `run`\n"

    everything = "| " + " ".join(f"`{name}`" for name in NAMES) + " | same | [t](here) |"
    assert list(problems(table(everything), {"here"}.__contains__)) == []
    assert list(problems(table(everything), {"there"}.__contains__)) == ["there is no here"]
    assert "the table lacks run" in problems(table(everything.replace("`run`", "")), bool)
    assert any("no test" in p for p in problems(table("| `run` | `run` | none |"), bool))
    assert not any("no test" in p for p in problems(table("| `run` | left out | why |"), bool))
    assert any("three cells" in p for p in problems(table("| `run` | `run` |"), bool))


if __name__ == "__main__":
    if sys.argv[1:] == ["--selftest"]:
        sys.exit(selftest())
    root = Path(sys.argv[1])
    found = list(problems((root / "README.md").read_text(), lambda link: (root / link).exists()))
    print("\n".join(f"README.md: {problem}" for problem in found))
    sys.exit(1 if found else 0)
