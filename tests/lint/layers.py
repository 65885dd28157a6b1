#!/usr/bin/env python3
"""layers.py - include lines point down only: who may stand on whom is the table below, and nothing stands on tests."""

import pathlib
import re
import sys

BASE, IO, AWS = "agent/base", "agent/io", "agent/aws"
ACCOUNT, STEPS, PLAN, ENGINE = (f"agent/ops/{room}" for room in ("account", "steps", "plan", "engine"))
BELOW = {
    BASE: set(),
    IO: {BASE},
    AWS: {IO, BASE},
    ACCOUNT: {AWS, IO, BASE, "proto"},
    STEPS: {ACCOUNT, AWS, IO, BASE, "proto"},
    PLAN: {STEPS, ACCOUNT, AWS, IO, BASE, "proto"},
    ENGINE: {PLAN, STEPS, ACCOUNT, AWS, IO, BASE, "proto"},
    "agent/ops": {ENGINE, PLAN, STEPS, ACCOUNT, AWS, IO, BASE, "proto"},
    "agent/control": {"agent/ops", AWS, IO, BASE, "proto"},
    "collectors": {IO, BASE, "proto"},
    "shippers": {IO, BASE, "proto"},
}
BELOW["agent"] = set(BELOW) | {"proto"}
BELOW["agent/daemon"] = BELOW["agent/cli"] = BELOW["agent"] | {"agent"}
BELOW["agent/main.c"] = {"agent/daemon", "agent/cli", BASE}


def faults_of(path):
    layer = str(path) if str(path) in BELOW else str(path.parent)
    if layer not in BELOW:
        yield f"{path}: {layer} is no layer that the table knows"
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if m is None:
            continue
        target = pathlib.PurePath(m[1])
        if "/" not in m[1]:
            yield f'{path}:{number}: "{m[1]}" does not name its folder'
        elif str(target.parent) not in BELOW[layer] | {layer} and str(target.parent) != layer:
            yield f"{path}:{number}: {layer} may not include {m[1]}"


def main():
    files = [f for root in ("agent", "collectors", "shippers") for f in pathlib.Path(root).rglob("*.[ch]")]
    faults = [fault for f in sorted(files) for fault in faults_of(f)]
    print("\n".join(faults) or f"{len(files)} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
