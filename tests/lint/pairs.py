#!/usr/bin/env python3
"""pairs.py - every file of the agent's layers has a unit test of its name.

What reaches the world outside (agent/io, the command line) is tested whole, in the folders of tests/ that are named for it."""

import pathlib
import sys

LAYERS = ("base", "aws", "ops", "control")


def main():
    faults, n = [], 0
    for layer in LAYERS:
        for source in sorted(pathlib.Path("agent", layer).rglob("*.c")):
            test = pathlib.Path("tests/unit", source.parent.relative_to("agent"), f"test_{source.name}")
            n += 1
            if not test.exists():
                faults.append(f"{source} has no {test}")
    print("\n".join(faults) or f"{n} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
