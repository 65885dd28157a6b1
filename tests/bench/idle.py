"""What the agent costs while it has nothing to do (make bench-idle): the released program and the development build,
beside each other, each with everything it talks to. TLS to the vendor plane, a poll every 30 s, host metrics every
15 s, one log that nobody writes to, and the CA bundle of the system. Memory is looked at every 5 s all along."""

import contextlib
import pathlib
import re
import statistics
import sys
import tempfile
import time

from tests.bench.cost import memory_of
from tests.bench.subjects import replaced
from tests.peers import process
from tests.peers.stage import Stage, may_be_root

REPO = pathlib.Path(__file__).resolve().parents[2]
BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
SETTLE_S = 45
SAMPLE_S = 5
TELL_S = 30
MEMORY = ("RssAnon", "VmRSS")
# What the release may take: bytes resident and not of a file, bytes resident (medians), per cent of one processor.
LIMITS = {"RssAnon": 4e6, "VmRSS": 9e6, "CPU": 0.05}


class Idle(Stage):
    def write_config(self):
        super().write_config()
        text = replaced(self.config.read_text(), "  idle: 2s\n", "  idle: 30s\n")
        self.config.write_text(replaced(text, "    interval: 2s\n", "    interval: 15s\n"))
        ca = self.dir / "etc/ca.pem"
        ca.write_text(BUNDLE.read_text() + ca.read_text())

    def begin(self):
        self.start()
        (self.dir / "app/app.log").write_text("the only line\n")
        self.agent_start()
        process.wait_for(
            lambda: any(e["event"] == "login" for e in self.vendor_lines("events")), 60, "the agent's login"
        )


def spent_of(pid):
    """(nanoseconds on a processor, how often it slept) of all its threads."""
    tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
    on = sum(int((t / "schedstat").read_text().split()[0]) for t in tasks)
    slept = sum(
        int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (t / "status").read_text(), re.MULTILINE)[1]) for t in tasks
    )
    return on, slept


def measure(stages, seconds):
    before = {name: spent_of(s.agent.pid) for name, s in stages.items()}
    samples = {name: {what: [] for what in MEMORY} for name in stages}
    start = told = time.monotonic()
    while (left := start + seconds - time.monotonic()) > 0:
        if told <= time.monotonic():
            print(f"  ...   {left:.0f} s to go", flush=True)
            told += TELL_S
        time.sleep(min(left, SAMPLE_S))
        for name, stage in stages.items():
            for what in MEMORY:
                samples[name][what].append(memory_of(stage.agent.pid, what))
    took = time.monotonic() - start
    found = {}
    for name, stage in stages.items():
        on, slept = (now - then for now, then in zip(spent_of(stage.agent.pid), before[name], strict=True))
        found[name] = {
            **{what: statistics.median(samples[name][what]) for what in MEMORY},
            **{f"{what} highest": max(samples[name][what]) for what in MEMORY},
            "CPU": on / took / 1e7,
            "wakeups": slept / took * 60,
        }
    return found


def table(found):
    formats = {
        "RssAnon": ("MB", 1e6, ".2f"),
        "RssAnon highest": ("MB", 1e6, ".2f"),
        "VmRSS": ("MB", 1e6, ".2f"),
        "VmRSS highest": ("MB", 1e6, ".2f"),
        "CPU": ("% of one", 1, ".4f"),
        "wakeups": ("a minute", 1, ".1f"),
    }
    yield f"{'':<22}{'release':>12}{'development':>14}{'ratio':>8}{'limit':>10}"
    for what, (unit, by, form) in formats.items():
        release, other = (found[name][what] / by for name in ("release", "development"))
        limit = format(LIMITS[what] / by, "g") if what in LIMITS else ""
        yield f"{what + ', ' + unit:<22}{release:>12{form}}{other:>14{form}}{release / other:>8.2f}{limit:>10}"


def main():
    programs = {"release": REPO / "build/release/reeve", "development": REPO / "build/reeve"}
    seconds = float(sys.argv[1])
    if not may_be_root():
        print("bench-idle: needs root, or sudo without a password: the agent runs as another user")
        return 2
    with contextlib.ExitStack() as stack:
        stages = {}
        for name, program in programs.items():
            stages[name] = Idle(tempfile.mkdtemp(prefix="reeve-idle-"), program)
            stack.callback(stages[name].remove)
            stack.callback(stages[name].close)
            stages[name].begin()
        time.sleep(SETTLE_S)
        found = measure(stages, seconds)
    print(f"idle for {seconds:.0f} s, after {SETTLE_S} s to settle")
    print("\n".join(table(found)))
    over = [what for what, limit in LIMITS.items() if found["release"][what] > limit]
    if over:
        print(f"over the limit: {', '.join(over)}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
