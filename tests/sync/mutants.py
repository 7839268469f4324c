#!/usr/bin/env python3
"""Shows that the tests of the sync layer notice mistakes in it.

usage: mutants.py BUILD [NAME...]

Each mutant is a copy of include/ and lib/ with one change of the text. What sees the changed file
is compiled again, as in BUILD (a meson build folder, in which tests/sync_tests has been built), and
some test must fail. Prints a line for each mutant; the last line is `N passed, N failed`.
"""
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = "tests/sync_tests"
TIME = 60  # seconds for the tests: a mutant may run for ever
JOBS = 2

LOCK, CONDITION, SEMAPHORE, BARRIER, QUEUE, CHANNEL, EVENT = (
    f"lib/sync/{name}.cpp"
    for name in ("lock", "condition", "semaphore", "barrier", "queue", "channel", "event"))
HEADER = "include/weft/sync/"
WAIT_QUEUE = "lib/task/wait_queue.cpp"

MUTANTS = [  # name, file, text, what stands there instead
    ("lock: newcomers overtake", LOCK, "locked_ || !waiters_.idle()", "locked_"),
    ("lock: a cancelled waiter drops the wake-up", LOCK,
     "if (!locked_) waiters_.wake_first();", ""),
    ("lock: a cancelled waiter lets the next in", LOCK,
     "if (!locked_) waiters_.wake_first();", "waiters_.wake_first();"),
    ("lock: a release skips the cancelled", LOCK,
     "locked_ = false; waiters_.wake_first();", "locked_ = false; waiters_.wake_one();"),
    ("lock: a release wakes nobody", LOCK,
     "locked_ = false; waiters_.wake_first();", "locked_ = false;"),
    ("lock: not taken behind the wait", LOCK, "throw; } locked_ = true;", "throw; }"),
    ("lock: released though not held", LOCK,
     'if (!locked_) throw RuntimeError("Lock is not acquired.");', ""),
    ("lock: destroyed under a waiter that was woken", HEADER + "lock.h",
     "~Lock() { waiters_.require_deserted(); }", "~Lock() {}"),

    ("condition: lock kept for the wait", CONDITION, "lock_.release(); detail::Turn",
     "detail::Turn"),
    ("condition: lock not taken again", CONDITION, "acquire_again(error); if", "if"),
    ("condition: gives up when cancelled again", CONDITION,
     "return lock_.acquire(); } catch (...) { error = std::current_exception(); }",
     "return lock_.acquire(); } catch (...) { error = std::current_exception(); return; }"),
    ("condition: first cancellation kept", CONDITION,
     "return lock_.acquire(); } catch (...) { error = std::current_exception(); }",
     "return lock_.acquire(); } catch (...) { if (!error) error = std::current_exception(); }"),
    ("condition: cancellation forgotten while acquiring", CONDITION,
     "return lock_.acquire(); } catch (...) { error = std::current_exception(); }",
     "return lock_.acquire(); } catch (...) {}"),
    ("condition: notification lost", CONDITION,
     "if (turn.woken_alone()) waiters_.wake_one();", ""),
    ("condition: notification made up", CONDITION,
     "if (turn.woken_alone()) waiters_.wake_one();", "waiters_.wake_one();"),
    ("condition: notify_all() passed on", CONDITION, "turn.woken_alone()", "turn.woken()"),
    ("condition: notify() wakes one", CONDITION,
     "while (count > 0 && waiters_.wake_one()) --count;", "if (count > 0) waiters_.wake_one();"),
    ("condition: notify() wakes all", CONDITION,
     "while (count > 0 && waiters_.wake_one()) --count;", "if (count > 0) waiters_.wake_all();"),
    ("condition: notified without the lock", CONDITION,
     'if (!locked()) throw RuntimeError("cannot notify on un-acquired lock");', ""),
    ("condition: waited for without the lock", CONDITION,
     'if (!locked()) throw RuntimeError("cannot wait on un-acquired lock");', ""),
    ("condition: lock lost outside a task", CONDITION, "detail::task_at_the_door();", ""),
    ("condition: a closed coroutine releases another's lock", CONDITION,
     "++lock_.forgiven_;", ""),
    ("condition: wait_for() asks once more only", HEADER + "condition.h",
     "while (!result) {", "if (!result) {"),

    ("semaphore: newcomers overtake", HEADER + "semaphore.h",
     "value_ == 0 || !waiters_.idle()", "value_ == 0"),
    ("semaphore: permit lost with a cancelled waiter", SEMAPHORE,
     "if (turn.woken()) give();", ""),
    ("semaphore: permit made up by a cancelled waiter", SEMAPHORE,
     "if (turn.woken()) give();", "give();"),
    ("semaphore: newcomers forgotten", SEMAPHORE, "if (value_ > 0) wake_next();", ""),
    ("semaphore: permit given twice", SEMAPHORE,
     "if (waiters_.wake_one()) --value_;", "waiters_.wake_one();"),
    ("semaphore: no bound", SEMAPHORE, "if (value_ >= bound_)", "if (false)"),
    ("semaphore: negative value", SEMAPHORE, "if (value < 0)", "if (false)"),

    ("barrier: overtaken while it drains", BARRIER,
     "state_ == State::Draining || state_ == State::Resetting", "state_ == State::Resetting"),
    ("barrier: entered while it is reset", BARRIER,
     "state_ == State::Draining || state_ == State::Resetting", "state_ == State::Draining"),
    ("barrier: never filled again", BARRIER,
     "if (state_ != State::Broken) state_ = State::Filling;", ""),
    ("barrier: mended by the last to leave", BARRIER,
     "if (state_ != State::Broken) state_ = State::Filling;", "state_ = State::Filling;"),
    ("barrier: the last to leave wakes nobody", BARRIER,
     "state_ = State::Filling; changes_.wake_all(); }", "state_ = State::Filling; }"),
    ("barrier: the last to come wakes nobody", BARRIER,
     "state_ = State::Draining; changes_.wake_all();", "state_ = State::Draining;"),
    ("barrier: reset() lets pass", BARRIER,
     "if (state_ != State::Draining) throw", "if (state_ == State::Broken) throw"),
    ("barrier: abort() lets pass", BARRIER,
     "if (state_ != State::Draining) throw", "if (state_ == State::Resetting) throw"),
    ("barrier: open at once after reset()", BARRIER,
     "count_ > 0 ? State::Resetting : State::Filling", "State::Filling"),
    ("barrier: aborted barrier lets in", BARRIER,
     'if (state_ == State::Broken) throw BrokenBarrierError("Barrier aborted");', ""),
    ("barrier: wrong place", BARRIER, "return index;", "return count_;"),
    ("barrier: for nobody", BARRIER, "if (parties < 1)", "if (parties < 0)"),

    ("queue: a cancelled getter wakes for nothing", QUEUE,
     "if (!empty()) getters_.wake_one();", "getters_.wake_one();"),
    ("queue: a cancelled putter wakes for nothing", QUEUE,
     "if (!full()) putters_.wake_one();", "putters_.wake_one();"),
    ("queue: item forgotten by a cancelled getter", QUEUE, "if (turn.woken()) get_failed();", ""),
    ("queue: room forgotten by a cancelled putter", QUEUE, "if (turn.woken()) put_failed();", ""),
    ("queue: put() wakes nobody", QUEUE, "finished_.clear(); getters_.wake_one();",
     "finished_.clear();"),
    ("queue: get() wakes nobody", HEADER + "queue.h",
     "void was_got() noexcept { putters_.wake_one(); }", "void was_got() noexcept {}"),
    ("queue: getters look once", QUEUE, "while (empty())", "if (empty())"),
    ("queue: putters look once", QUEUE, "while (full())", "if (full())"),
    ("queue: shutdown() not told to getters", QUEUE, "getters_.wake_all();", ""),
    ("queue: shutdown() not told to putters", QUEUE, "putters_.wake_all();", ""),
    ("queue: dropped items never done", QUEUE, "if (unfinished_ > 0) --unfinished_;", ""),
    ("queue: join() not told of shutdown()", QUEUE,
     "if (unfinished_ == 0) finished_.set(); getters_", "getters_"),
    ("queue: done too often", QUEUE, "if (unfinished_ == 0) throw", "if (false) throw"),
    ("queue: joined too early", QUEUE, "if (--unfinished_ == 0) finished_.set();",
     "--unfinished_; finished_.set();"),
    ("queue: put after shutdown()", QUEUE,
     "if (shut_down_) throw QueueShutDown(); if (full())", "if (full())"),
    ("queue: full before shut down", QUEUE,
     "if (shut_down_) throw QueueShutDown(); if (full()) throw QueueFull();",
     "if (full()) throw QueueFull(); if (shut_down_) throw QueueShutDown();"),
    ("queue: a failed put forgets the next putter", HEADER + "queue.h", "put_failed(); throw;",
     "throw;"),
    ("queue: a failed get forgets the next getter", HEADER + "queue.h", "get_failed(); throw;",
     "throw;"),
    ("queue: last in, second out", HEADER + "queue.h",
     "T item = std::move(this->items_.back()); this->items_.pop_back();",
     "T item = std::move(this->items_.front()); this->items_.pop_front();"),
    ("queue: equals in any order", HEADER + "queue.h",
     "return !compare(a.item, b.item) && b.arrival < a.arrival;", "return false;"),
    ("queue: destroyed under a putter that was woken", QUEUE, "putters_.require_deserted();", ""),
    ("queue: destroyed under a getter that was woken", QUEUE, "getters_.require_deserted();", ""),

    ("channel: stored while receivers wait", CHANNEL,
     "if (ChannelOffer* receiver = first(receivers_)) {",
     "if (ChannelOffer* receiver = first(receivers_); receiver && stored() >= capacity_) {"),
    ("channel: room not given to senders", CHANNEL, "sender && stored() < capacity_", "false"),
    ("channel: room given beyond the capacity", CHANNEL, "sender && stored() < capacity_",
     "sender"),
    ("channel: one too many", CHANNEL, "stored() >= capacity_", "stored() > capacity_"),
    ("channel: value lost with its receiver", CHANNEL,
     "if (offer.taken && !offer.sends) offer.channel.give_back(offer.value);", ""),
    ("channel: value given back past those who wait", CHANNEL,
     "if (!next) return put_back(value_in(slot));", "return put_back(value_in(slot));"),
    ("channel: value given back as the last", HEADER + "channel.h", "values_.push_front(",
     "values_.push_back("),
    ("channel: close() not told to senders", CHANNEL, "senders_.wake_all();", ""),
    ("channel: close() not told to receivers", CHANNEL, "receivers_.wake_all();", ""),
    ("channel: sent through a closed one", CHANNEL, "if (closed_) throw ChannelClosed();", ""),
    ("channel: a wait ended by close() counts as sent", CHANNEL,
     "if (offers[index].sends && !offers[index].taken) throw ChannelClosed();", ""),
    ("channel: a closed one is waited for", CHANNEL, "|| channel.closed()", ""),
    ("channel: destroyed under a sender that was woken", CHANNEL, "senders_.require_deserted();",
     ""),
    ("select: waits for the first case only", CHANNEL,
     "for (ChannelOffer& offer : offers) offer.standing.emplace(offer, waiter);",
     "offers[0].standing.emplace(offers[0], waiter);"),
    ("select: the last case first", CHANNEL, "ChannelOffer& offer = offers[index];",
     "ChannelOffer& offer = offers[offers.size() - 1 - index];"),
    ("select: every function is called", HEADER + "select.h", "I == chosen &&", ""),
    ("select: otherwise() always", HEADER + "select.h", "if (chosen == sizeof...(I))", ""),

    ("event: set() wakes one", EVENT, "waiters_.wake_all();", "waiters_.wake_one();"),
    ("event: set() again wakes", EVENT, "if (set_) return;", ""),

    ("line: other places stay", WAIT_QUEUE, "waiter.abandon();", ""),
    ("line: cancelled places stay", WAIT_QUEUE, "place->stop_waiting(Place::State::Given);", ""),
    ("line: the woken do not count", "include/weft/task/wait_queue.h",
     "!waiting_ && woken_ == 0", "!waiting_"),
    ("line: the woken count for ever", WAIT_QUEUE, "if (woken()) --queue_->woken_;", ""),
    ("line: cancelled ones are woken", WAIT_QUEUE,
     "while (waiting && waiting->state_ != State::Waiting) waiting = waiting->next_;",
     "waiting = waiting->next_;"),
    ("line: last come, first served", WAIT_QUEUE,
     "if (!queue.waiting_) queue.waiting_ = this;", "queue.waiting_ = this;"),
    ("line: everything is passed on", WAIT_QUEUE, "if (turn.woken_alone()) wake_one();",
     "wake_one();"),
    ("line: wake_all() is passed on", WAIT_QUEUE, "wake(*waiting_, Place::State::Woken);",
     "wake(*waiting_);"),
    ("line: destroyed under a waiter", WAIT_QUEUE, "if (!empty()) detail::die",
     "if (false) detail::die"),
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


def ninja(build, *arguments):
    done = subprocess.run(["ninja", "-C", build, "-t", *arguments], text=True, capture_output=True,
                          check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("ninja:")]


def seen_by(build):
    """Of each object the files that it was made of."""
    objects, current = {}, None
    for line in ninja(build, "deps"):
        if line and not line.startswith(" "):
            current = objects.setdefault(line.split(":")[0], set())
        elif line.strip():
            current.add((Path(build) / line.strip()).resolve())
    return objects


def rebuild(build, folder, changed):
    """Compiles again what sees the changed file, and links. Returns the program's path."""
    objects = seen_by(build)
    commands = [shlex.split(line) for line in ninja(build, "commands", TARGET)]
    link = commands.pop()
    own, added = {}, []
    for number, command in enumerate(commands):
        if "-c" not in command:
            continue
        name = command[command.index("-o") + 1]
        if ROOT / changed not in objects.get(name, ()):
            continue
        source = (Path(build) / command[command.index("-c") + 1]).resolve()
        copy = folder / source.relative_to(ROOT)
        made = own[name] = str(folder / f"{number}.o")
        if source.is_relative_to(ROOT / "lib"):
            added.append(made)  # in front of the archive, which is not asked for it then
        for option in ("-MQ", "-MF"):
            del command[command.index(option):command.index(option) + 2]
        command.remove("-MD")
        command[command.index("-o") + 1] = made
        command[command.index("-c") + 1] = str(copy if copy.exists() else source)
        command = ["-O0" if word == "-O2" else word for word in command]
        at = next(i for i, word in enumerate(command) if word.startswith("-I"))
        command[at:at] = ["-w", f"-I{folder}/include", f"-I{folder}/lib"]
        subprocess.run(command, cwd=build, check=True)
    program = folder / "sync_tests"
    link[link.index("-o") + 1] = str(program)
    link = [own.get(word, word) for word in link]
    at = link.index("-o") + 2
    link[at:at] = added
    subprocess.run(link, cwd=build, check=True)
    return program


def complaint(program):
    """What the tests say against it, or nothing."""
    try:
        done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, errors="replace", timeout=TIME)
    except subprocess.TimeoutExpired:
        return "does not end"
    if done.returncode == 0:
        return ""
    failed = re.search(r"test cases:.*?(\d+) failed", done.stdout)
    return f"{failed[1]} cases fail" if failed else "crashes"


def attempt(build, mutant):
    """Returns whether a test noticed it, and a line about it."""
    name, file, old, new = mutant
    with tempfile.TemporaryDirectory() as folder:
        mutate(Path(folder), file, old, new)
        said = complaint(rebuild(build, Path(folder), file))
    return bool(said), f"{name}: {said}" if said else f"FAIL {name}: no test fails"


def main(build, names):
    chosen = [mutant for mutant in MUTANTS if not names or mutant[0] in names]
    caught = 0
    with ThreadPoolExecutor(JOBS) as pool:
        for good, line in pool.map(lambda mutant: attempt(build, mutant), chosen):
            print(line, flush=True)
            caught += good
    print(f"{caught} passed, {len(chosen) - caught} failed")
    return caught != len(chosen)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
