"""What the plane must not lose, as files in its data folder. The server and the command line share it.

commands/<installation>/<epoch>-<seq>.signed   the exact signed bytes, written by the command line
cancels/<installation>/<command id>            empty files: what is to be cancelled
agents/<installation>.json                     what the agent said last
statuses.jsonl    a line for each change of a command's state
diag/<installation>/<sha256>.gz   bundles that agents were told to send
outputs/<command id>.gz   what a command has found, as it came
results.jsonl     a line for each terminal status newly stored: one per command, ever
refusals.jsonl    requests that were refused, and why
violations.jsonl  what a correct agent would never have sent
events.jsonl      logins, raised epochs, restarts of the plane
"""

import collections
import datetime
import fcntl
import pathlib
import re
import threading
import uuid

from google.protobuf.message import DecodeError

from tests.peers.pb import control
from tests.vendor import files

Order = collections.namedtuple("Order", "installation epoch seq id signed command")
ORDER = re.compile(r"([0-9]{6})-([0-9]{8})\.signed")


def now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    def __init__(self, data):
        self.data = pathlib.Path(data)
        self.lock = threading.Lock()
        self.parsed = {}
        for folder in ("commands", "cancels", "agents", "outputs", "diag"):
            (self.data / folder).mkdir(parents=True, exist_ok=True)

    # ---- commands: written by the command line, read by both ----

    def add(self, installation, epoch, make):
        """Gives the next sequence number to make(seq), which returns a Signed, and keeps that. Returns the Order."""
        folder = self.data / "commands" / installation
        folder.mkdir(exist_ok=True)
        with open(folder / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            seq = 1 + max((o.seq for o in self.orders(installation, epoch)), default=0)
            path = folder / f"{epoch:06}-{seq:08}.signed"
            files.write_atomic(path, make(seq).SerializeToString())
        files.sync_folder(folder.parent)
        return self._order(installation, path)

    def orders(self, installation, epoch=None):
        """All commands, or those of one epoch, in the order they were signed."""
        folder = self.data / "commands" / installation
        names = sorted(p for p in folder.glob("*.signed") if ORDER.fullmatch(p.name)) if folder.exists() else []
        found = [self._order(installation, path) for path in names]
        return [o for o in found if epoch is None or o.epoch == epoch]

    def _order(self, installation, path):
        if path not in self.parsed:
            epoch, seq = (int(n) for n in ORDER.fullmatch(path.name).groups())
            signed, command = control.Signed(), control.Command()
            try:
                signed.ParseFromString(path.read_bytes())
                command.ParseFromString(signed.body)
            except DecodeError as e:
                raise ValueError(f"{path}: not a signed command: {e}") from None
            self.parsed[path] = Order(installation, epoch, seq, bytes(command.command_id), signed, command)
        return self.parsed[path]

    def cancel(self, installation, command_id):
        folder = self.data / "cancels" / installation
        folder.mkdir(exist_ok=True)
        files.write_atomic(folder / command_id.hex(), b"")

    def cancels(self, installation):
        folder = self.data / "cancels" / installation
        return (
            sorted(bytes.fromhex(p.name) for p in folder.iterdir() if not p.name.startswith("."))
            if folder.exists()
            else []
        )

    # ---- what agents said: written by the server ----

    def agent(self, installation):
        return files.read_json(self.data / "agents" / f"{installation}.json", {})

    def write_agent(self, installation, values):
        files.write_json(self.data / "agents" / f"{installation}.json", values)

    def keep_output(self, command_id, data):
        files.write_atomic(self.data / "outputs" / f"{id_text(command_id)}.gz", data)

    def output(self, command_id):
        path = self.data / "outputs" / f"{id_text(command_id)}.gz"
        return path.read_bytes() if path.exists() else None

    def keep_diag(self, installation, name, data):
        """True: it was there already."""
        path = self.data / "diag" / installation / f"{name}.gz"
        path.parent.mkdir(exist_ok=True)
        known = path.exists()
        if not known:
            files.write_atomic(path, data)
            files.sync_folder(path.parent.parent)
        return known

    def statuses(self):
        return files.read_lines(self.data / "statuses.jsonl")

    def results(self):
        return files.read_lines(self.data / "results.jsonl")


class Records:
    """The growing files, held open by the server."""

    def __init__(self, data):
        data = pathlib.Path(data)
        for name in ("statuses", "results", "refusals", "violations", "events", "batches", "stored", "metrics", "logs"):
            setattr(self, name, files.Log(data / f"{name}.jsonl"))

    def refuse(self, where, refusal):
        line = {"time": now(), "where": where, "installation": refusal.installation, "status": refusal.status}
        self.refusals.append(line | {"reason": refusal.reason})
        if refusal.violation:
            self.violate(refusal.installation, where, refusal.reason)

    def violate(self, installation, where, reason):
        line = {"time": now(), "where": where, "installation": installation, "reason": reason}
        self.violations.append(line)

    def event(self, installation, name, **values):
        self.events.append({"time": now(), "event": name, "installation": installation} | values)


def id_text(command_id):
    return str(uuid.UUID(bytes=bytes(command_id))) if len(command_id) == 16 else bytes(command_id).hex()


def id_bytes(text):
    """16 bytes of a command id in either spelling, with or without dashes."""
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        raise ValueError(f"{text!r} is not a command id") from None
