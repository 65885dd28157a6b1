"""The rows of the measurement. Each takes a bench and a subject, and gives its cases: a name, and the function that measures it.

What is measured, by name:
    mb_s, cpu_s_gb         of a drain: megabytes (10^6) of the file a second, from the first body to the last but one, because the
                           last waits its second for lines that never come; CPU seconds a GB
    cpu                    of steady work: per cent of one processor
    peak, median           bytes resident: highest ever, and in the middle of all looks
    wire                   bytes of the POSTs of logs, heads too, against the bytes of the lines
    posts, lost, repeated  counted by the sink; `unexplained`: repeats but for those of whole bodies under their old id
    said                   what the subject itself counted as lost or odd
"""

import contextlib
import functools
import os
import shutil
import time

from tests.bench import cost, subjects
from tests.bench.lines import LENGTH, Account, Lines
from tests.bench.rules import TEN
from tests.bench.writer import Writer

QUIET_S = 4  # nothing came for so long: that was all
GIVE_UP_S = 75  # the same where something is missing: back-offs go to a minute
FIRST_S = 90  # until a first body comes
LONGEST_S = 900  # one that repeats for ever is not waited for
FAULT_RATE, DOWN_LINES, FAULTS_EACH, REFUSE_S, REFUSE_AFTER_S, ROTATIONS = 20_000, 1_000, 10, 20, 5, 7
RATES = (5_000, 20_000)
FILES, FILES_RATE = (1, 10, 100, 1_000), 5_000
WARM_S = 3


@contextlib.contextmanager
def life(bench, subject, pattern, rules=None, **sink):
    """A started subject that sees `pattern` in an empty folder, which is given; then nothing is left of both."""
    folder = bench.folder / "logs"
    folder.mkdir()
    folder.chmod(0o755)
    try:
        subject.fresh(folder, pattern, rules)
        os.sync()
        subject.start()
        bench.sink.begin(**sink)
        yield folder
    finally:
        subject.stop()
        bench.sink.begin()
        shutil.rmtree(folder)


def wait_quiet(bench, subject, quiet_s, since):
    """Until nothing came for so long; the sink's counts."""
    end = time.monotonic() + LONGEST_S
    while True:
        counts = bench.sink.counts()
        last = max(counts["last"], since)
        if time.monotonic() - last >= (quiet_s if counts["bodies"] else FIRST_S) or time.monotonic() > end:
            break
        subject.alive()
        time.sleep(0.2)
    if counts["bodies"] == 0:
        raise subjects.Failed(f"it sent nothing in {FIRST_S} s")
    return counts


def settle(bench, subject, written):
    """{lost, repeated, ...} once all came, or nothing does any more."""
    account, unexplained, since = Account(written), 0, time.monotonic()
    while True:
        unexplained += bench.sink.take(account, Lines())
        if account.missing == 0:
            break
        last = max(bench.sink.counts()["last"], since)
        if time.monotonic() - last >= GIVE_UP_S or time.monotonic() - since > LONGEST_S:
            break
        subject.alive()
        time.sleep(0.5)
    wait_quiet(bench, subject, QUIET_S, since)  # what comes again comes now
    unexplained += bench.sink.take(account)
    if account.unknown:
        raise subjects.Failed(f"{account.unknown} numbers came that were never written")
    found = {
        "faults": bench.sink.counts()["faults"],
        "lost": account.missing,
        "repeated": account.repeated,
        "unexplained": unexplained,
    }
    return found | {"written": written, "said": subject.said()}


def sums(counts, written):
    return {"posts": counts["logs"], "wire": counts["wire"] / (written * LENGTH)}


# ---- rows ----


def mb_s_of(counts, written, start):
    """Bodies are counted by their bytes on the wire. A few of them say nothing of their own pace: then it is all of the time."""
    if counts["bodies"] <= 9:
        return written * LENGTH / 1e6 / (counts["last"] - start)
    within = 1 - (counts["first_kept"] + counts["last_kept"]) / counts["kept"]
    return written * LENGTH / 1e6 * within / (counts["before_last"] - counts["first"])


def drain_once(bench, subject, rules=None):
    with life(bench, subject, "app.log", rules) as folder:
        bench.input.warm()
        start, written = time.monotonic(), bench.drain_lines
        with cost.Watch(subject.pid) as watch:
            os.link(bench.whole, folder / "app.log")
            counts = wait_quiet(bench, subject, QUIET_S, start)
            spent, memory = watch.spent(), watch.end()
        encodings = bench.sink.encodings()
        found = {"mb_s": mb_s_of(counts, written, start), "cpu_s_gb": spent / (written * LENGTH / 1e9)}
        found |= memory | sums(counts, written) | {"encoding": "+".join(sorted(encodings))}
        return found | settle(bench, subject, written)


def drain_packed(bench, subject, packed):
    subject.packed = packed
    try:
        return drain_once(bench, subject)
    finally:
        subject.packed = subjects.GZIP


def drain(bench, subject):
    yield "", functools.partial(drain_once, bench, subject)
    if subject.name == "reeve":
        yield "zstd", functools.partial(drain_packed, bench, subject, "zstd")


def redact(bench, subject):
    """For Reeve alone: peers have no rules that say the same."""
    if subject.name == "reeve":
        yield "no rule", functools.partial(drain_once, bench, subject)
        yield "ten rules", functools.partial(drain_once, bench, subject, TEN)


def at_rate(bench, subject, rate, seconds, files):
    names = ["app.log"] if files == 1 else [f"app-{i:04d}.log" for i in range(files)]
    with life(bench, subject, "app*.log" if files > 1 else "app.log") as folder:
        with contextlib.closing(Writer(bench.input, *(folder / name for name in names))) as writer:
            writer.write(rate * WARM_S, rate)
            with cost.Watch(subject.pid) as watch:
                start, before = time.monotonic(), bench.sink.counts()
                writer.write(rate * seconds, rate)
                took = time.monotonic() - start
                spent, memory, counts = watch.spent(), watch.end(), bench.sink.counts()
        found = {"cpu": 100 * spent / took, "posts_s": (counts["logs"] - before["logs"]) / took} | memory
        found["wire"] = (counts["wire"] - before["wire"]) / (rate * seconds * LENGTH)
        return found | settle(bench, subject, writer.written)


def steady(bench, subject):
    for rate in RATES:
        yield f"{rate:,} lines/s", functools.partial(at_rate, bench, subject, rate, bench.options.steady_s, 1)


def files(bench, subject):
    for n in FILES:
        yield (
            f"{n:,} {'file' if n == 1 else 'files'}",
            functools.partial(at_rate, bench, subject, FILES_RATE, bench.options.files_s, n),
        )


def restart(subject, writer):
    """And the application goes on meanwhile."""
    subject.kill()
    writer.write(DOWN_LINES, FAULT_RATE)
    subject.start()


def rename(subject, writer):
    writer.rename()


def copytruncate(subject, writer):
    writer.copytruncate()


# name -> (pattern, what the sink does, what happens between lines, how often)
FAULTS = {
    "429 each 10th POST": ("app.log", {"fault": "429", "every": FAULTS_EACH}, None, 0),
    "dropped each 10th POST": ("app.log", {"fault": "drop", "every": FAULTS_EACH}, None, 0),
    "answer lost each 10th POST": ("app.log", {"fault": "unanswered", "every": FAULTS_EACH}, None, 0),
    "503 for 20 s": ("app.log", {"refuse_s": REFUSE_S, "refuse_after_s": REFUSE_AFTER_S}, None, 0),
    "SIGKILL twice": ("app.log", {}, restart, 2),
    "rename, glob of both names": ("app.log*", {}, rename, ROTATIONS),
    "copytruncate": ("app.log", {}, copytruncate, ROTATIONS),
}


def fault_once(bench, subject, pattern, sink, happens, times):
    lines = bench.options.fault_lines
    with (
        life(bench, subject, pattern, **sink) as folder,
        contextlib.closing(Writer(bench.input, folder / "app.log")) as writer,
    ):
        for i in range(times):
            writer.write(lines // (times + 1) * (i + 1) - writer.written, FAULT_RATE)
            happens(subject, writer)
        writer.write(lines - writer.written, FAULT_RATE)
        return settle(bench, subject, writer.written)


def faults(bench, subject):
    for name, fault in FAULTS.items():
        yield name, functools.partial(fault_once, bench, subject, *fault)


ROWS = {"drain": drain, "steady": steady, "faults": faults, "redact": redact, "files": files}
