"""An agent that has lived: the example SPEC planned under the example policy, made, and deleted, at the reference plane.

What it left behind is copied to where a test may read it: journal/, spool/, and the vendor's lines."""

import shutil
import subprocess

from tests.docs.blocks import REPO
from tests.peers import examples, process
from tests.peers.stage import Stage, sudo


class Lived:
    def __init__(self, folder):
        self.dir = folder
        self.journal, self.spool, self.ledger = folder / "journal", folder / "spool", folder / "ledger"
        self.results = {}
        self.statuses = []
        with Stage(folder / "stage", REPO / "build/reeve") as stage:
            self.live(stage)
            self.keep(stage)
        stage.remove()

    def live(self, stage):
        self.stage = stage
        spec = self.write("warehouse.yaml", examples.fitted("warehouse.yaml", stage.aws))
        stage.write_policy(examples.fitted("policy.yaml", stage.aws))
        stage.config.write_text(stage.config.read_text() + "journal:\n  segment: 64KiB\n")
        (stage.dir / "app/app.log").write_text("a line of an application\n" * 3)
        stage.agent_start()
        process.wait_for(lambda: stage.vendor_lines("events")[1:], 60, "the agent's login")
        self.results["plan"] = self.command("apply", spec, "--mode", "plan")
        stage.write_policy(examples.generous_policy(stage))
        self.results["apply"] = self.command("apply", spec)
        self.results["delete"] = self.command("delete", "wh-1", "--confirm", "wh-1", *self.second())
        self.misfortunes(spec)

    def misfortunes(self, spec):
        """A lost answer; a refused call, and what was made before it taken back; a cancel; a signature of nobody."""
        stage = self.stage
        lost = {"match": {"action": "CreateTargetGroup"}, "times": 1, "do": "reset-after"}
        wrong = {"status": 400, "code": "ValidationError", "message": "broken on purpose"}
        stage.rules(lost, {"match": {"action": "CreateListener"}, "do": "error", **wrong})
        self.results["undone"] = self.command("apply", spec)
        stage.rules()
        for _ in range(4):
            self.command("apply", spec, "--mode", "plan")
        self.command("delete", "wh-1", "--confirm", "wh-1")  # without the second key
        (stage.dir / "etc/STOP").touch()
        self.cancelled = self.signed("apply", spec)
        self.wait_record("command.planned", self.cancelled)
        stage.vendor("cancel", self.cancelled)
        self.results["cancelled"] = stage.wait_result(self.cancelled)
        (stage.dir / "etc/STOP").unlink()
        stage.vendor_run("keys", "new", self.dir / "others")
        stage.vendor("apply", spec, "--command-key", self.dir / "others/command.key")
        self.wait_record("command.refused")

    def wait_record(self, kind, command=None):
        def is_it(record):
            return record["type"] == kind and record.get("op") == command

        process.wait_for(lambda: any(is_it(r) for r in self.stage.journal()), 60, f"a record {kind}")

    def second(self):
        return "--second-key", self.stage.keys_dir / "release.key"

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def signed(self, verb, *args):
        return self.stage.vendor(verb, *args, "-q", "--command-key", self.stage.keys_dir / "command.key")

    def command(self, verb, *args):
        return self.stage.wait_result(self.signed(verb, *args))

    def keep(self, stage):
        """With the plane gone, telemetry stays in the spool."""
        stage.vendor_kill()
        with open(stage.dir / "app/app.log", "a") as log:
            log.write("a line that stays\n")
        names = ["ls", stage.dir / "state/spool"]

        def lies_there():
            found = subprocess.run(sudo(*names), capture_output=True, text=True, check=False).stdout
            return "-logs-" in found and "-metrics-" in found

        process.wait_for(lies_there, 60, "a body of each kind in the spool")
        assert stage.agent_stop() == 0
        self.statuses = stage.vendor_lines("statuses")
        for name in ("journal", "spool", "ledger"):
            subprocess.run(sudo("cp", "-r", stage.dir / "state" / name, self.dir / name), check=True)
            subprocess.run(sudo("chmod", "-R", "a+rX", self.dir / name), check=True)
        shutil.copy(stage.dir / "etc/policy.yaml", self.dir / "policy.yaml")
        shutil.copy(stage.config, self.dir / "reeve.yaml")

    def records(self):
        return [record for path in sorted(self.journal.glob("*.jsonl")) for record in self.stage.lines(path)]
