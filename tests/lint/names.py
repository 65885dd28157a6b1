#!/usr/bin/env python3
"""names.py FOLDER - what a file exports bears the file's name, the folder's, or one that stands here with it.

Reads the objects under FOLDER (build)."""

import pathlib
import subprocess
import sys

ALSO = {
    "agent/base/pbw": {"pbr"},
    "agent/io/world": {"disk", "http"},
    "agent/ops/steps/catalogue": {"arg", "fact", "step"},
    "agent/ops/plan/plan": {"facts", "plans"},
    "agent/ops/plan/plan_print": {"plans"},
}


def prefixes_of(path):
    first = path.stem.split("_")[0]
    stems = {path.stem, first, path.parent.name, *ALSO.get(str(path), ())}
    if first == "kinds":
        stems |= {"resource", "bound"}  # step kinds, the kinds of things that they make and remove, bounds of their own
    return stems | {s.removesuffix("s") for s in stems}


def exported(obj):
    out = subprocess.run(["nm", "-g", "--defined-only", obj], capture_output=True, text=True, check=True).stdout
    return [line.split()[2] for line in out.splitlines()]


def main():
    build, faults, n = pathlib.Path(sys.argv[1]), [], 0
    sources = [s for root in ("agent", "collectors", "shippers") for s in pathlib.Path(root).rglob("*.c")]
    for source in sorted(s for s in sources if s != pathlib.Path("agent/main.c")):
        path = source.with_suffix("")
        for name in exported(build / source.with_suffix(".o")):
            n += 1
            if not any(name == p or name.startswith(p + "_") for p in prefixes_of(path)):
                faults.append(f"{source}: {name}")
    print("\n".join(faults) or f"{n} names")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
