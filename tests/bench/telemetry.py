"""The way of a log line, measured beside the peers on PATH (make bench-telemetry): the same lines, the same local receiver, plain HTTP,
gzip, a batch at least once a second. What stands in the tables, tests/bench/rows.py and tests/bench/table.py say.

Nothing else should run meanwhile. Ctrl-C ends all of it, and leaves nothing behind."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tests.bench import rows, subjects, table
from tests.bench.lines import LENGTH
from tests.bench.sink import Sink
from tests.bench.writer import Input
from tests.peers.stage import may_be_root

REPO = pathlib.Path(__file__).resolve().parents[2]
PAGE = REPO / "docs/bench.md"
CODEC_MB = 200  # as much as it needs to be sure
OPEN_FILES = 4096


class Bench:
    """What all rows share, and what they found."""

    def __init__(self, options, folder, sink):
        self.options, self.folder, self.sink = options, pathlib.Path(folder), sink
        self.start = time.monotonic()
        self.results = []
        self.drain_lines = max(int(options.size_mb * 1e6) // LENGTH, 1)

    def say(self, text):
        print(f"{time.monotonic() - self.start:7.1f}  {text}", flush=True)

    def lines_needed(self):
        per = {
            "drain": self.drain_lines,
            "redact": self.drain_lines,
            "steady": max(rows.RATES) * (rows.WARM_S + self.options.steady_s),
            "files": rows.FILES_RATE * (rows.WARM_S + self.options.files_s),
            "faults": self.options.fault_lines,
        }
        return max(per[row] for row in self.options.rows)

    def make_input(self):
        self.say(f"making {self.lines_needed():,} lines")
        self.input = Input(self.folder / "input.log", self.lines_needed(), self.say)
        self.whole = self.input.path
        if self.drain_lines < self.input.lines:
            self.whole = self.folder / "whole.log"
            self.whole.write_bytes(self.input.read(0, self.drain_lines))
            self.whole.chmod(0o644)

    def record(self, row, case, subject, run, found):
        result = {"row": row, "case": case, "subject": subject, "run": run} | found
        self.results.append(result)
        told = ", ".join(
            f"{table.NAMES[name][0]} {table.cell([result[name]], name)}"
            for name in table.COLUMNS[row]
            if name in result
        )
        self.say(f"{row} {case} {subject}, run {run}: ".replace("  ", " ") + (result.get("failed") or told))

    def codec(self, program):
        path = self.folder / "codec.log"
        path.write_bytes(self.input.read(0, min(self.input.lines, CODEC_MB * 1_000_000 // LENGTH)))
        for run in range(1, self.options.runs + 1):
            found = json.loads(subprocess.run([program, path], capture_output=True, text=True, check=True).stdout)
            for name, what in found["codecs"].items():
                self.record("codec", "", name, run, what)
        path.unlink()

    def row(self, row, everybody):
        for run in range(1, self.options.runs + 1):
            for subject in everybody:
                for case, measure_it in rows.ROWS[row](self, subject):
                    self.record(row, case, subject.name, run, one(subject, measure_it))


def one(subject, measure_it):
    """What was found, or why nothing was: the others go on."""
    try:
        found = measure_it()
    except (subjects.Failed, RuntimeError, AssertionError) as e:
        return {"failed": str(e)}
    return found | ({"codec": subject.codec(found["encoding"])} if "encoding" in found else {})


# ---- the page ----


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    system = re.search(r'^PRETTY_NAME="?([^"\n]+)', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)
    kernel = re.match(r"[\d.]+", platform.release())
    return (
        f"{len(os.sched_getaffinity(0))} processors ({model[1] if model else platform.machine()}), "
        f"{int(memory[1]) / (1 << 20):.0f} GiB, Linux {kernel[0]}, {system[1] if system else 'no name'}"
    )


def commit():
    def git(*args):
        return subprocess.run(["git", *args], cwd=REPO, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", "agent", "collectors", "shippers")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (
        " and changes that are not committed" if changed else ""
    )


def head(bench, versions, limit, load):
    o = bench.options
    again = f"make bench-telemetry RUNS={o.runs} SIZE_MB={o.size_mb:g} ROWS={','.join(o.rows)}"
    again += f" STEADY_S={o.steady_s} FILES_S={o.files_s} FAULT_LINES={o.fault_lines}"
    yield "# The way of a log line, measured\n"
    yield "Made by `make bench-telemetry PAGE=1`; not by hand. Medians, and ranges in brackets where runs differ.\n"
    yield f"- {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, commit {commit()}"
    busy = ": busy with other work, so that ratios say more than speeds" if load > 1 else ""
    yield f"- {machine()}; {load:.1f} processes wanted to run when it began{busy}"
    yield f"- Again: `{again}`, with the peers' programs on PATH"
    yield f"- The receiver by itself took {limit['mb_s']:.0f} MB/s of bodies, at {limit['cpu_s_gb']:.2f} CPU-s/GB"
    for name, version in versions.items():
        yield f"- {name}: {version or 'absent: no such program on PATH'}"


def sizes(options):
    return {
        "codec": "One thread, in memory: libreeve's encoder, then each compressor that was there. A limit is what a drain cannot go below.",
        "drain": f"A log of {options.size_mb:g} MB, lines of {LENGTH} bytes, appears; from the first body to the last but one.",
        "redact": f"The same drain of {options.size_mb:g} MB; no rule matches.",
        "steady": f"{options.steady_s} s each, one file; CPU in per cent of one processor.",
        "files": f"{options.files_s} s each.",
        "faults": f"{options.fault_lines:,} numbered lines at {rows.FAULT_RATE:,} a second. A repeat is explained by a body that came "
        "again, whole, under its old id.",
    }


# ---- main ----


def options_of(arguments):
    p = argparse.ArgumentParser(prog="bench-telemetry", description=__doc__)
    p.add_argument("--reeve", type=pathlib.Path, required=True)
    p.add_argument("--codec", type=pathlib.Path, required=True)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--size-mb", type=float, default=1000)
    p.add_argument("--rows", type=names_of(rows.ROWS), default=list(rows.ROWS))
    p.add_argument("--peers", type=names_of(subjects.PEERS), default=list(subjects.PEERS))
    p.add_argument("--steady-s", type=int, default=60)
    p.add_argument("--files-s", type=int, default=30)
    p.add_argument("--fault-lines", type=int, default=400_000)
    p.add_argument("--page", action="store_true")
    return p.parse_args(arguments)


def names_of(known):
    def names(text):
        found = [name for name in text.split(",") if name]
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return found

    return names


def measure(bench, everybody):
    bench.make_input()
    bench.codec(bench.options.codec.resolve())
    for row in bench.options.rows:
        bench.row(row, everybody)


def run(options, stack):
    """The tables, as lines."""
    load = os.getloadavg()[0]
    folder = tempfile.mkdtemp(prefix="reeve-bench-")
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    os.chmod(folder, 0o755)  # the agent is another user
    sink = stack.enter_context(Sink())
    bench = Bench(options, folder, sink)
    limit = sink.limit()
    bench.say(f"the receiver takes {limit['mb_s']:.0f} MB/s of bodies, at {limit['cpu_s_gb']:.2f} CPU-s/GB")
    everybody = [
        subjects.Reeve(folder, sink, options.reeve),
        *(subjects.PEERS[name](folder, sink) for name in options.peers),
    ]
    for subject in everybody:
        stack.callback(subject.close)
    versions = {s.name: (s.version() or "").partition("\n")[0] for s in everybody}
    absent = [name for name, version in versions.items() if not version]
    for name in absent:
        bench.say(f"{name} is absent: no such program on PATH")
    measure(bench, [s for s in everybody if s.name not in absent])
    found = table.Found(bench.results)
    return [*head(bench, versions, limit, load), *table.whole(found, absent, sizes(options))]


def main(arguments):
    options = options_of(arguments)
    if not may_be_root():
        print("bench-telemetry: needs root, or sudo without a password: the agent runs as another user")
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, OPEN_FILES), hard), hard))
    try:
        with contextlib.ExitStack() as stack:
            try:
                lines = run(options, stack)
            finally:
                ignore_signals()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # who read it may have gone first
            print("bench-telemetry: interrupted; nothing is left of it", flush=True)
        return 130
    print("\n" + "\n".join(lines))
    if options.page:
        PAGE.write_text("\n".join(lines) + "\n")
        print(f"\nwritten to {PAGE.relative_to(REPO)}")
    return 0


def ignore_signals():
    """A second Ctrl-C finds it at work."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
