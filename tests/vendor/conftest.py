"""A running plane for each test, and a client of it."""

import contextlib
import io
import json
import pathlib
import signal
import subprocess
import sys
import threading
import urllib.parse

import pytest

from tests.peers import process
from tests.peers.pb import REPO
from tests.vendor import cli, files, keys, registry, server
from tests.vendor.client import Client

INSTALLATION = "inst-1"
REGION = "us-east-1"


class RunningPlane:
    """A plane and the command line beside it, on one data folder. It runs in this process, which is quick."""

    def __init__(self, folder, sts_url, *flags, scheme="http"):
        self.data = folder / "data"
        self.keys = folder / "keys"
        self.flags = [*flags, "--sts", f"{REGION}={sts_url}"]
        keys.new_folder(self.keys)
        if scheme == "https":
            keys.new_certificate(self.keys, ["127.0.0.1", "localhost"])
            self.flags += ["--cert", self.keys / "server.pem", "--key", self.keys / "server.key"]
        else:
            self.flags += ["--insecure-http"]
        self.ca_file = self.keys / "ca.pem" if scheme == "https" else None
        self.start()

    def start(self):
        arguments = ["--data", self.data, "serve", "--head-key", self.keys / "head.key", *self.flags]
        args = cli.parser().parse_args([str(a) for a in arguments])
        self.server, self.url = server.open_server(*cli.make_plane(args))
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.plane.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def register(self, world, name=INSTALLATION, **other):
        values = {n: world[n] for n in ("account", "region", "role")} | other
        registry.Registry(self.data).add(name, **values)

    def client(self, world, installation=INSTALLATION, **other):
        return Client(self.url, installation, REGION, world["keys"][0], ca_file=self.ca_file, **other)

    def cli(self, *arguments, status=0):
        """The output of one command line; its exit status must be this one."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            ended = cli.main([str(a) for a in ("--data", self.data, *arguments)])
        assert ended == status, said.getvalue()
        return said.getvalue()

    def sign(self, *arguments):
        return self.cli(*arguments, "--command-key", self.keys / "command.key", "-q").strip()

    def lines(self, name):
        return files.read_lines(self.data / f"{name}.jsonl")

    def faults(self, value):
        pathlib.Path(self.data / "faults.json").write_text(json.dumps(value))

    def refusals(self):
        return [line["reason"] for line in self.lines("refusals")]

    def violations(self):
        return [line["reason"] for line in self.lines("violations")]


class PlaneProcess(RunningPlane):
    """The same as processes of their own, which can be killed and can race."""

    def start(self):
        (self.data / "plane.json").unlink(missing_ok=True)
        arguments = ["tests.vendor", "--data", self.data, "serve", "--head-key", self.keys / "head.key", *self.flags]
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for a job in the background
        self.process = process.start_python(*arguments)
        signal.signal(signal.SIGINT, interrupt)
        self.url = process.wait_for(lambda: files.read_json(self.data / "plane.json"), 20, "plane.json")["url"]

    def stop(self):
        assert process.stop(self.process) == 0

    def kill_and_restart(self, client):
        """SIGKILL, then a new plane on the same files; the client is logged in again."""
        self.process.kill()
        self.process.wait()
        self.start()
        client.url = urllib.parse.urlsplit(self.url)
        client.login()

    def cli(self, *arguments, status=0):
        command = [sys.executable, "-m", "tests.vendor", "--data", self.data, *arguments]
        done = subprocess.run([str(c) for c in command], cwd=REPO, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def plane(request, tmp_path, world):
    """A plane in this process, or in one of its own by the mark plane(*flags, process=, scheme=)."""
    mark = request.node.get_closest_marker("plane")
    flags, options = (mark.args, dict(mark.kwargs)) if mark else ((), {})
    kind = PlaneProcess if options.pop("process", False) else RunningPlane
    running = kind(tmp_path, world["url"], *flags, **options)
    running.register(world)
    yield running
    running.stop()


@pytest.fixture
def client(plane, world):
    """A client that is not logged in yet."""
    return plane.client(world)


@pytest.fixture
def session(client):
    client.login()
    return client


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "wh.yaml"
    path.write_text(
        "warehouse: wh-1\ngeneration: 1\nvpc_id: vpc-1\nclusters:\n"
        "  - {name: c1, nodes: 2, instance_type: m6i.large, image_id: ami-1, subnet_id: subnet-1}\n"
    )
    return path
