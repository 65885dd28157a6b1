"""drain.py [MB] - how long the turns of the agent's loop take while a log of so many megabytes drains, by gzip and by zstd, and how long
after its signature a command is accepted meanwhile; measured by turns.so, beside the same commands with nothing to do. It reports
and asserts nothing.

The time of a signature is the command id's (UUIDv7), the time of acceptance the journal record's: between them lie the vendor's
command line, which writes the command to its disk, the plane, which looks there twenty times a second, and the agent."""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import datetime

from tests.bench.lines import LENGTH
from tests.bench.sink import Sink
from tests.bench.subjects import OneStage, Reeve
from tests.bench.writer import Input
from tests.peers import process
from tests.peers.stage import sudo
from tests.turns.turns import REPO, report, turns_from

SHARED_OBJECT = REPO / "build/tests/turns/turns.so"
COMMANDS = 8


class Measured(OneStage):
    """Its agent writes down its turns."""

    def agent_start(self, notify=None, **more_env):
        super().agent_start(notify, LD_PRELOAD=str(SHARED_OBJECT), TURNS_FILE=f"{self.dir}/state/turns", **more_env)

    def turns(self):
        text = subprocess.run(sudo("cat", self.dir / "state/turns"), capture_output=True, check=True, text=True).stdout
        return turns_from(text)


def signed_ms(command_id):
    return uuid.UUID(command_id).int >> 80


def accepted_ms(stage, command_id):
    for record in stage.journal():
        if record["type"] == "command.accepted" and record.get("op") == command_id:
            return datetime.fromisoformat(record["time"]).timestamp() * 1000
    return None


def command(stage):
    """Milliseconds from the signature to the acceptance."""
    said = stage.vendor("inventory", "--command-key", stage.keys_dir / "command.key", "-q")
    command_id = next(word for word in said.split() if len(word) == 36)
    at_ms = process.wait_for(lambda: accepted_ms(stage, command_id), 60, "the acceptance")
    return at_ms - signed_ms(command_id)


def told(name, took_ms):
    shown = " ".join(f"{ms:.0f}" for ms in took_ms)
    print(f"{name}: commands accepted after {shown} ms; median {statistics.median(took_ms):.0f}", flush=True)


def measure(subject, sink, packed, source, megabytes):
    stage = subject.stage
    subject.packed = packed
    folder = pathlib.Path(stage.dir).parent / f"logs-{packed}"
    folder.mkdir()
    subject.fresh(folder, "app.log")
    stage.write_policy(f"commands:\n  inventory.get: auto\n{stage.default_policy()}")
    subject.start()
    told(f"{packed}, nothing to do", [command(stage) for _ in range(COMMANDS)])
    before = sink.counts()["logs"]
    begun_ms = time.monotonic()
    (folder / "app.log").hardlink_to(source.path)
    took = []
    while len(took) < COMMANDS and sink.counts()["first"] is not None:
        took.append(command(stage))
    told(f"{packed}, draining", took)
    wait_all(sink, before, source.lines)
    seconds = time.monotonic() - begun_ms
    subject.stop()
    print(f"{packed}: {megabytes} MB and {COMMANDS} commands in {seconds:.1f} s")
    report(f"{packed}, draining", stage.turns())


def wait_all(sink, before, lines):
    """Until the bodies stop: what is lost, the benchmark tells."""
    last = -1
    while (now := sink.counts()["logs"]) != last or now == before:
        last = now
        time.sleep(3)


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="reeve-drain-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        source = Input(folder / "input.log", megabytes * 1_000_000 // LENGTH)
        source.warm()
        with Sink() as sink:
            subject = Reeve(folder, sink, REPO / "build/reeve")
            subject.stage = Measured(folder / "reeve", REPO / "build/reeve")
            subject.stage.sink_url = sink.url
            try:
                for packed in ("gzip", "zstd"):
                    measure(subject, sink, packed, source, megabytes)
            finally:
                subject.close()


if __name__ == "__main__":
    main()
