"""soak.py --seconds N --reeve PROGRAM - numbered lines, LINES_A_SECOND of them, go into a log that the machine's logrotate rotates, while
the agent is killed, stopped, refused by its receiver and left without disk. Then the sum: every line that was written arrived, or stands in
`reeve export show` under a reason. And no line arrived twice but in a body whose answer was lost. It ends with 1 where that does
not hold, and says what was seen.

What befalls it comes by turns, STEP_S each, and begins anew when all have been: a rotation in each; then by turn a kill, a stop, posts
answered 429, connections dropped, answers lost, posts refused for ever, an outage longer than a body may wait (what waited is
counted as aged), a full disk. One line in ten is one that the policy drops."""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from tests.bench.lines import LENGTH, Account
from tests.bench.sink import Sink
from tests.bench.subjects import OneStage, Reeve, replaced
from tests.bench.writer import Input, Writer
from tests.peers.stage import sudo

LINES_A_SECOND, STEP_S = 1000, 30
MAX_AGE_S, OUTAGE_S, FULL_S = 60, 100, 20
DISK = "3G"  # of the state folder: of a smaller one the agent would leave a GiB free, which it never was
DROPPED = r" #\d{8}7 "
SETTLE_S = 180
STAYED = ("not_allowed", "rule", "rule_failed", "oversize", "no_room", "no_text")
ROTATE = """{path} {{
    rotate 40
    create 0644
    missingok
}}
"""


class Soaked(OneStage):
    """Its state lies on a disk of its own, which can be filled."""

    mounted = False

    def write_config(self):
        super().write_config()
        spool = f"telemetry:\n  spool: {{max_age: {MAX_AGE_S}s}}\n"
        self.config.write_text(replaced(self.config.read_text(), "telemetry:\n", spool))

    def default_policy(self, **given):
        return f"{super().default_policy(**given)}  drop: ['{DROPPED}']\n"

    def mount(self):
        image = self.dir / "disk.ext4"
        subprocess.run(["truncate", "-s", DISK, image], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        run = subprocess.run(sudo("mount", "-o", "loop", image, self.dir / "state"), capture_output=True, check=False)
        self.mounted = run.returncode == 0
        if not self.mounted:
            print(f"no disk of its own ({run.stderr.decode().strip()}), so none that is full", flush=True)

    def close(self):
        super().close()
        if self.mounted:
            subprocess.run(sudo("umount", self.dir / "state"), check=False)


class Soak:
    def __init__(self, folder, sink, binary, seconds):
        self.sink, self.seconds = sink, seconds
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.subject = Reeve(folder, sink, binary)
        self.stage = self.subject.stage = Soaked(folder / "reeve", binary)
        self.stage.sink_url = sink.url
        self.source = Input(folder / "input.log", (seconds + OUTAGE_S + 4 * STEP_S) * LINES_A_SECOND)
        self.rotation = folder / "logrotate.conf"
        self.rotation.write_text(ROTATE.format(path=self.logs / "app.log"))
        self.began = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f}  {text}", flush=True)

    # ---- what befalls it, for one step each ----

    def write(self, seconds):
        self.writer.write(int(seconds * LINES_A_SECOND), LINES_A_SECOND)

    def kill(self):
        self.subject.kill()
        self.write(2)
        self.subject.start()

    def stop(self):
        self.subject.stop()
        self.write(2)
        self.subject.start()

    def posts(self, fault, every):
        self.sink.turn(fault=fault, every=every)
        self.write(STEP_S / 2)
        self.sink.turn()

    def outage(self):
        self.sink.turn(refuse_s=OUTAGE_S)
        self.write(OUTAGE_S)

    def full_disk(self):
        if not self.stage.mounted:
            return
        filler = self.stage.dir / "state/filler"
        subprocess.run(sudo("fallocate", "-l", DISK, filler), capture_output=True, check=False)
        subprocess.run(
            sudo("dd", "if=/dev/zero", f"of={filler}", "bs=1M", "oflag=append", "conv=notrunc"),
            capture_output=True,
            check=False,
        )
        disk = os.statvfs(self.stage.dir / "state")
        if disk.f_bavail * disk.f_frsize > 1 << 20:
            raise RuntimeError(f"the disk is not full: {disk.f_bavail * disk.f_frsize:,} bytes are free")
        self.write(FULL_S)
        subprocess.run(sudo("rm", filler), check=True)

    def rotate(self):
        command = ["logrotate", "-f", "-s", self.rotation.with_suffix(".state"), self.rotation]
        subprocess.run(sudo(*command), check=True)
        os.close(self.writer.files[0])
        self.writer.files[0] = self.writer.open(self.writer.paths[0])

    def turns(self):
        """Without end."""
        while True:
            yield "killed", self.kill
            yield "429 to each 3rd post", lambda: self.posts("429", 3)
            yield "each 4th connection dropped", lambda: self.posts("drop", 4)
            yield "stopped", self.stop
            yield "each 5th post refused for ever", lambda: self.posts("400", 5)
            yield "a full disk", self.full_disk
            yield f"no receiver for {OUTAGE_S} s", self.outage
            yield "each 4th answer lost", lambda: self.posts("unanswered", 4)

    # ---- the whole ----

    def run(self):
        self.subject.fresh(self.logs, "app.log*")
        self.stage.mount()
        subprocess.run(sudo("chown", "-R", "--reference", self.stage.dir / "run", self.stage.dir / "state"), check=True)
        self.subject.start()
        self.sink.begin()
        turns = self.turns()
        with contextlib.closing(Writer(self.source, self.logs / "app.log")) as self.writer:
            while time.monotonic() - self.began < self.seconds:
                name, befall = next(turns)
                self.say(f"{self.writer.written:,} lines; {name}")
                befall()
                self.write(STEP_S / 2)
                self.rotate()
            written = self.writer.written
        return self.settle(written)

    def settle(self, written):
        """(written, arrived, repeated but for lost answers, {reason: lines}) once the sum holds, or nothing changes any more."""
        account, unexplained = Account(written), 0
        end = time.monotonic() + SETTLE_S
        while True:
            unexplained += self.sink.take(account)
            lost = self.lost()
            if account.arrived + sum(lost.values()) == written or time.monotonic() > end:
                return written, account, unexplained, lost
            time.sleep(2)

    def lost(self):
        """{reason: lines} by the agent's own account of the log."""
        command = sudo(self.stage.binary, "export", "show", "--json", "-c", self.stage.config)
        shown = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        lost = collections.Counter()
        for source, kinds in shown["sources"].items():
            if source.startswith(str(self.logs)):
                lost.update(reasons(kinds.get("logs", {})))
        return lost

    def close(self):
        self.subject.close()


def reasons(counts):
    """{reason: lines} of a source's row in the account."""
    found = {name: counts.get(name, 0) for name in STAYED}
    found["deleted"] = counts.get("deleted_bytes", 0) // LENGTH
    return found | counts.get("lost", {}).get("vendor", {})


def main(arguments):
    p = argparse.ArgumentParser(prog="soak", description=__doc__)
    p.add_argument("--seconds", type=int, default=3600)
    p.add_argument("--reeve", type=pathlib.Path, required=True)
    options = p.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reeve-soak-") as name, Sink() as sink:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        soak = Soak(folder, sink, options.reeve.resolve(), options.seconds)
        with contextlib.closing(soak):
            written, account, unexplained, lost = soak.run()
    counted = ", ".join(f"{n:,} {reason}" for reason, n in sorted(lost.items()) if n) or "nothing"
    missing = written - account.arrived - sum(lost.values())
    print(f"{written:,} lines written, {account.arrived:,} arrived; counted: {counted}; unaccounted: {missing:,}")
    print(f"{account.repeated:,} repeated, {unexplained:,} of them but for answers that were lost")
    return 0 if missing == 0 and unexplained == 0 and account.unknown == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
