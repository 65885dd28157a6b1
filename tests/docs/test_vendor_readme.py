"""tests/vendor/README.md: the plane by hand, typed line by line, with a client in the place of an agent."""

import os
import re
import subprocess
import sys

import pytest

from tests.docs import blocks
from tests.peers import process
from tests.peers.pb import control
from tests.vendor import files, store
from tests.vendor.client import Client


class Hands:
    """A shell on a block of the page, in which the folders, the port, the host and STS are those of a test."""

    def __init__(self, block, folder, world):
        self.folder, self.port = folder, process.free_port()
        changes = {
            "/tmp/v": folder / "v",
            "/tmp/keys": folder / "keys",
            "127.0.0.1:8443": f"127.0.0.1:{self.port}",
            "control.example.test": "localhost",
            "--sts us-east-1": f"--sts us-east-1={world['url']}",
            "123456789012": world["account"],
            "velodb-role-inst-0123456789": world["role"],
            "wh.yaml": folder / "wh.yaml",
        }
        for shown, real in changes.items():
            assert shown in block, shown
            block = block.replace(shown, str(real))
        self.lines = [line for line in block.replace("\\\n", " ").splitlines() if not line.startswith("#")]
        self.typed = []

    def command(self, text, **values):
        """The line of the page that has this text in it, with what a person puts in place of a name."""
        line = next(line for line in self.lines if text in line)
        self.typed.append(line)
        for name, value in values.items():
            line = re.sub(rf"\b{name}\b", value, line)
        return ["bash", "-euc", f"{self.lines[0]}\n{line}"]

    def how(self):
        path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        return {"cwd": blocks.REPO, "env": os.environ | {"PATH": path}, "text": True}

    def type(self, text, **values):
        run = subprocess.run(self.command(text, **values), capture_output=True, check=False, **self.how())
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def serve(self):
        command = self.command("$V serve")
        command[-1] = command[-1].replace("$V serve", "exec $V serve")
        return subprocess.Popen(command, stdout=subprocess.PIPE, **self.how())


def id_in(text):
    return re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", text)[0]


@pytest.mark.block("tests/vendor/README.md", "by-hand")
def test_the_plane_is_served_and_commanded_as_the_page_says(block, tmp_path, world):
    hands = Hands(block, tmp_path, world)
    (tmp_path / "wh.yaml").write_text("warehouse: wh-1\ngeneration: 1\nvpc_id: vpc-1\n")
    assert hands.type("keys new").lstrip().startswith("trust:")
    hands.type("keys tls")
    hands.type("$V register")
    server = hands.serve()
    try:
        assert server.stdout.readline().startswith("listening on ")
        ca_file = tmp_path / "keys/ca.pem"
        agent = Client(f"https://localhost:{hands.port}", "inst-0123456789", "us-east-1", world["keys"][0], ca_file)
        agent.login()
        applied = id_in(hands.type("$V apply"))
        role_id = files.read_json(tmp_path / "v/registry/inst-0123456789.json")["role_id"]
        listed = hands.type("$V list")
        assert applied in listed and role_id in listed
        report = control.Report(epoch=1, accepted_through=1)
        report.statuses.add(command_id=store.id_bytes(applied), seq=1, epoch=1, state=control.SUCCEEDED)
        agent.poll(report)
        assert "SUCCEEDED" in hands.type("$V watch", ID=applied)
        hands.type("$V reboot wh-1 be --batch")
        hands.type("$V reboot wh-1 be --health")
        hands.type("$V replace")
        hands.type("$V upgrade")
        deleted = id_in(hands.type("$V delete"))
        hands.type("$V cancel", ID=deleted)
        head = control.Head.FromString(agent.poll(report).head.body)
        assert list(head.cancelled) == [store.id_bytes(deleted)]
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
    assert set(hands.typed) == set(hands.lines[1:])  # every line of it
