"""Durable files: whole ones replaced in one step, and JSON Lines that only grow. Both survive SIGKILL at any instant."""

import json
import os
import pathlib
import threading


def sync_folder(folder):
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path, data):
    """Afterwards the file holds either all of data or what it held before; data is durable on return."""
    path = pathlib.Path(path)
    tmp = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with open(tmp, "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.replace(tmp, path)
    sync_folder(path.parent)


def write_json(path, value):
    write_atomic(path, json.dumps(value, indent=1).encode() + b"\n")


def read_json(path, default=None):
    try:
        return json.loads(pathlib.Path(path).read_bytes())
    except FileNotFoundError:
        return default


def read_lines(path):
    """The records of a JSON Lines file; a last line that a kill cut short is left out."""
    try:
        data = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines() if line]


class Log:
    """A JSON Lines file opened for appending. A torn last line, left by a kill, is cut off first."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.lock = threading.Lock()
        self.file = open(self.path, "ab")  # noqa: SIM115 - it stays open as long as the plane runs
        size = self.path.stat().st_size
        keep = self.path.read_bytes().rfind(b"\n") + 1 if size else 0
        if keep != size:
            self.file.truncate(keep)
        sync_folder(self.path.parent)

    def append(self, *records, durable=True):
        data = b"".join(json.dumps(r, separators=(",", ":")).encode() + b"\n" for r in records)
        with self.lock:
            self.file.write(data)
            self.file.flush()
            if durable:
                os.fsync(self.file.fileno())
