"""The command line of the real binary: against a daemon that says what a test wants, against journals that a test writes, and against
the real one (the stage of tests/e2e/agent)."""

import base64
import contextlib
import fcntl
import hashlib
import http.server
import json
import os
import pathlib
import pty
import socketserver
import struct
import subprocess
import termios
import threading

import pytest

from tests.e2e.warehouse import Warehouse, running, stage, warehouse  # noqa: F401 - fixtures
from tests.peers.pb import control

REPO = pathlib.Path(__file__).resolve().parents[3]
BINARY = REPO / "build/reeve"
KEYS = ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=")
HEAD_KEY = "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU="


def reeve(*args, **more):
    """Its stdout, stderr and status; the output is no terminal."""
    command = [BINARY, *(str(a) for a in args)]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=60, **more)


def at_terminal(columns, *args):
    """What a person sees in a terminal so wide, and the exit status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([BINARY, *(str(a) for a in args)], stdout=theirs, stderr=subprocess.PIPE, close_fds=True)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # EIO: the child has closed it
        while data := os.read(ours, 65536):
            seen += data
    os.close(ours)
    child.stderr.close()
    return seen.decode().replace("\r\n", "\n"), child.wait(10)


class Site:
    """A configuration in a folder of its own, and what stands beside it."""

    def __init__(self, folder):
        self.dir = folder
        self.config = folder / "reeve.yaml"
        self.journal = folder / "state/journal"
        self.journal.mkdir(parents=True)
        self.write()

    def write(self, more="", roles=("command", "release", "head"), vendor="https://control.example", extra_vendor=""):
        keys = dict(zip(("command", "release", "head"), (*KEYS, HEAD_KEY), strict=True))
        trust = "".join(f"    - {{name: {r}, role: {r}, public_key: {keys[r]}}}\n" for r in roles)
        self.config.write_text(
            f"installation: inst-1\nvendor:\n  name: velodb\n  url: {vendor}\n{extra_vendor}"
            f"trust:\n  keys:\n{trust}state: {{dir: {self.dir}/state}}\nsocket: {self.dir}/reeve.sock\n{more}"
        )

    def policy(self, text):
        (self.dir / "policy.yaml").write_text(text)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


# ---- a daemon that says what it is told to ----


class Answers(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        status, body = self.server.answers.get(self.path, (404, {"error": "there is no such command here"}))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self):
        return "local"


class Socket(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture
def daemon(site):
    """answers: {path: (status, JSON)}."""
    server = Socket(str(site.dir / "reeve.sock"), Answers)
    server.answers, server.asked = {}, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


# ---- journals ----


class Journal:
    """Lines as the agent writes them, chained."""

    def __init__(self, folder, first=1):
        self.folder, self.seq, self.prev = folder, first, "0" * 64
        self.path = folder / f"{first:016}.jsonl"

    def segment(self):
        self.path = self.folder / f"{self.seq:016}.jsonl"

    def add(self, kind, time=None, **members):
        when = time or f"2026-11-29T10:{self.seq // 60 % 60:02}:{self.seq % 60:02}.000Z"
        line = json.dumps({"prev": self.prev, "seq": self.seq, "time": when, "type": kind, **members})
        with open(self.path, "a") as f:
            f.write(line + "\n")
        self.prev = hashlib.sha256(line.encode()).hexdigest()
        self.seq += 1
        return line


def command_id(n):
    return f"01a3185c-5000-7{n:03x}-8{n:03x}-{n:012x}"


def accepted(n, **more):
    signed = control.Signed(body=control.Command(verb=control.WAREHOUSE_APPLY).SerializeToString()).SerializeToString()
    about = {"op": command_id(n), "epoch": 1, "command_seq": n, "warehouse": f"wh-{n}"}
    return about | {"signed": base64.b64encode(signed).decode()} | more


def launch(name, title=None):
    step = {"name": name, "kind": "launch", "args": {"count": 2, "type": "m6i.large", "image_id": "ami-1"}}
    return step | ({"title": title} if title else {})


def plan(n, *names):
    """A plan document of as many clusters, each with one launch."""
    plans = [
        {"name": f"cluster-{x}", "stage": 1, "pivot": 256, "steps": [launch("launch", f"launch nodes of {x}")]}
        for x in names
    ]
    about = {"command": command_id(n), "verb": "warehouse.apply", "warehouse": f"wh-{n}", "generation": 1}
    return about | {"inventory_time": "2026-11-29T10:00:00.000Z", "preserved": [], "plans": plans}


@pytest.fixture
def journal(site):
    return Journal(site.journal)
