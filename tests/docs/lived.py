"""An agent that has lived: the example SPEC planned under the example policy, made, and deleted, at the reference plane.

What it left behind is copied to where a test may read it: journal/, spool/, and the vendor's lines."""

import shutil
import subprocess

from tests.docs.blocks import REPO
from tests.peers import process
from tests.peers.stage import Stage, sudo

EXAMPLES = REPO / "deploy/etc"


class Lived:
    def __init__(self, folder):
        self.dir = folder
        self.journal, self.spool = folder / "journal", folder / "spool"
        self.results = {}
        self.statuses = []
        with Stage(folder / "stage", REPO / "build/reeve") as stage:
            self.live(stage)
            self.keep(stage)
        stage.remove()

    def live(self, stage):
        self.stage = stage
        spec = self.write("warehouse.yaml", self.ours((EXAMPLES / "warehouse.yaml").read_text()))
        stage.write_policy(self.ours((EXAMPLES / "policy.yaml").read_text()))
        stage.agent_start()
        process.wait_for(lambda: stage.vendor_lines("events")[1:], 60, "the agent's login")
        self.results["plan"] = self.command("apply", spec, "--mode", "plan")
        policy = stage.default_policy().replace("[r6i.xlarge]", "[m6i.large, r6i.xlarge]").replace("200", "500")
        stage.write_policy(policy.replace("  balancers:", "  iops: 6000\n  throughput: 500\n  balancers:"))
        self.results["apply"] = self.command("apply", spec)
        second = ["--second-key", stage.keys_dir / "release.key"]
        self.results["delete"] = self.command("delete", "wh-1", "--confirm", "wh-1", *second)

    def ours(self, text):
        """The example with the ids of this account."""
        aws = self.stage.aws
        ids = {"vpc-0123456789abcdef0": aws["vpc_id"], "ami-0123456789abcdef0": aws["image_id"]}
        for example, real in (ids | {"subnet-0123456789abcdef0": aws["subnet_ids"][0]}).items():
            text = text.replace(example, real)
        return text

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def command(self, verb, *args):
        stage = self.stage
        return stage.wait_result(stage.vendor(verb, *args, "-q", "--command-key", stage.keys_dir / "command.key"))

    def keep(self, stage):
        """With the plane gone, telemetry stays in the spool."""
        stage.vendor_kill()
        names = ["ls", stage.dir / "state/spool"]
        process.wait_for(
            lambda: ".pb.gz" in subprocess.run(sudo(*names), capture_output=True, text=True, check=False).stdout,
            30,
            "a body in the spool",
        )
        assert stage.agent_stop() == 0
        self.statuses = stage.vendor_lines("statuses")
        for name in ("journal", "spool"):
            subprocess.run(sudo("cp", "-r", stage.dir / "state" / name, self.dir / name), check=True)
            subprocess.run(sudo("chmod", "-R", "a+rX", self.dir / name), check=True)
        shutil.copy(stage.dir / "etc/policy.yaml", self.dir / "policy.yaml")
        shutil.copy(stage.config, self.dir / "reeve.yaml")

    def records(self):
        return self.stage.lines(next(self.journal.glob("*.jsonl")))
