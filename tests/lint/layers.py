#!/usr/bin/env python3
"""layers.py - include lines point down only: who may stand on whom is the table below, and nothing stands on tests."""

import pathlib
import re
import sys

BELOW = {
    "agent/base": set(),
    "agent/io": {"agent/base"},
    "agent/aws": {"agent/io", "agent/base"},
    "agent/ops": {"agent/aws", "agent/io", "agent/base", "proto"},
    "agent/control": {"agent/ops", "agent/aws", "agent/io", "agent/base", "proto"},
    "collectors": {"agent/io", "agent/base", "proto"},
    "shippers": {"agent/io", "agent/base", "proto"},
}
BELOW["agent"] = set(BELOW) | {"proto"}
BELOW["agent/cli"] = BELOW["agent"] | {"agent"}
BELOW["agent/main.c"] = BELOW["agent/run.c"] = {"agent", "agent/cli", "agent/io", "agent/base"}
CLI_MAY_NOT = {"agent/agent.h"}


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
        elif layer == "agent/cli" and m[1] in CLI_MAY_NOT:
            yield f"{path}:{number}: the command line does not know the daemon ({m[1]})"


def main():
    files = [f for root in ("agent", "collectors", "shippers") for f in pathlib.Path(root).rglob("*.[ch]")]
    faults = [fault for f in sorted(files) for fault in faults_of(f)]
    print("\n".join(faults) or f"{len(files)} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
