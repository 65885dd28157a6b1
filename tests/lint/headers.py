#!/usr/bin/env python3
"""headers.py FLAG... - every header compiles alone, with gcc and with clang: it includes what it uses."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

COMPILERS = ("gcc", "clang-14")


def compile_alone(compiler, header):
    command = [compiler, *sys.argv[1:], "-fsyntax-only", "-x", "c", "-"]
    text = f'#include "{header}"\nint alone;\n'
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def main():
    headers = sorted(
        h for root in ("agent", "collectors", "shippers", "tests") for h in pathlib.Path(root).rglob("*.h")
    )
    pairs = [(c, h) for h in headers for c in COMPILERS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda pair: compile_alone(*pair), pairs))
    faults = [f"{h} with {c}:\n{r.stderr}" for (c, h), r in zip(pairs, results, strict=True) if r.returncode != 0]
    print("\n".join(faults) or f"{len(headers)} headers")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
