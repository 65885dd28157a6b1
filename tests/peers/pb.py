"""Our messages in Python: compiles proto/control.proto on demand and imports it.

    from tests.peers.pb import control
    control.Report(accepted_through=3)

The generated module lies in REEVE_PB_DIR (default <repo>/build/pb) and is made again when the schema is newer.
"""

import fcntl
import importlib.util
import os
import pathlib
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]


def generate(name):
    """The path of <name>_pb2.py, made by protoc when it is absent or older than the schema."""
    source = REPO / "proto" / f"{name}.proto"
    folder = pathlib.Path(os.environ.get("REEVE_PB_DIR") or REPO / "build" / "pb")
    module = folder / f"{name}_pb2.py"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not module.exists() or module.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["protoc", f"--python_out={folder}", f"-I{source.parent}", str(source)], check=True)
            os.utime(module)
    return module


def load(name):
    spec = importlib.util.spec_from_file_location(f"{name}_pb2", generate(name))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


control = load("control")
