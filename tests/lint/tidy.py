#!/usr/bin/env python3
"""tidy.py - what clang-tidy is told not to see has its reason: each check that .clang-tidy leaves out, each NOLINT in the code."""

import pathlib
import re
import sys

CONFIG = pathlib.Path(".clang-tidy")


def left_out():
    """Each check with a minus, and the comment that names it: '# check, check: why'."""
    text = CONFIG.read_text()
    reasons = {}
    for names, why in re.findall(r"^# ([a-zA-Z0-9., -]+-[a-zA-Z0-9., -]+): (.+)$", text, re.MULTILINE):
        reasons |= {name.strip(): why for name in names.split(",")}
    checks = re.findall(r"^ +-([a-zA-Z0-9.-]+),?$", text, re.MULTILINE)
    yield from (f"{CONFIG}: {c} is left out without a reason" for c in checks if c not in reasons)
    yield from (f"{CONFIG}: {c} has a reason and is not left out" for c in reasons if c not in checks)


def silenced(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.search("NOLINT(?!END)", line) and not re.search(r"NOLINT(NEXTLINE|BEGIN)?\([a-zA-Z0-9.-]+\): \w", line):
            yield f"{path}:{number}: NOLINT(check): why"


def main():
    files = sorted(
        f for root in ("agent", "collectors", "shippers", "tests") for f in pathlib.Path(root).rglob("*.[ch]")
    )
    faults = [*left_out(), *(fault for f in files for fault in silenced(f))]
    print("\n".join(faults) or f"{len(files)} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
