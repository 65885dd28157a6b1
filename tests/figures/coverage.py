#!/usr/bin/env python3
"""coverage.py BUILD [FILE] - the lines that a run of the programs under BUILD has reached, by folder; of FILE, those it has not.

BUILD is of FLAVOUR=coverage. gcov tells what each object counted; a line of a header counts when any of its users reached it.
What only the real binary runs (agent/main.c, the daemon's start) is tested by tests/e2e, which is not counted here."""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

OURS = ("agent/", "collectors/", "shippers/")
LEAST = 10


def gcov(note):
    out = subprocess.run(["gcov", "--json-format", "--stdout", note], capture_output=True, text=True, check=True).stdout
    return [f for line in out.splitlines() for f in json.loads(line)["files"]]


def lines_of(build):
    """{file: {line: how often}}"""
    notes = sorted(n for n in build.rglob("*.gcno") if str(n.relative_to(build)).startswith(OURS))
    reached = collections.defaultdict(collections.Counter)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for files in pool.map(gcov, notes):
            for f in files:
                if f["file"].startswith(OURS):
                    for line in f["lines"]:
                        reached[f["file"]][line["line_number"]] += line["count"]
    return reached


def share(counts):
    counts = list(counts)
    return len(counts), sum(c > 0 for c in counts)


def row(name, lines, covered):
    return f"  {name:<36} {lines:>7} {covered:>8} {100 * covered / max(lines, 1):>6.1f} %"


def folders(reached):
    by_folder = collections.defaultdict(list)
    for file, lines in reached.items():
        by_folder[str(pathlib.PurePath(file).parent)] += lines.values()
        by_folder["all"] += lines.values()
    yield f"  {'folder':<36} {'lines':>7} {'reached':>8} {'share':>8}"
    for folder in sorted(by_folder, key=lambda f: (f == "all", f)):
        yield row(folder, *share(by_folder[folder]))


def least(reached):
    shares = [(file, *share(lines.values())) for file, lines in reached.items() if file.endswith(".c")]
    yield "\n  the least reached"
    for file, lines, covered in sorted(shares, key=lambda s: s[2] / max(s[1], 1))[:LEAST]:
        yield row(file, lines, covered)


def unreached(file, lines):
    text = pathlib.Path(file).read_text().splitlines()
    yield from (f"{file}:{n}: {text[n - 1].strip()}" for n in sorted(lines) if lines[n] == 0)


def main():
    reached = lines_of(pathlib.Path(sys.argv[1]))
    if sys.argv[2:]:
        print("\n".join(unreached(sys.argv[2], reached[sys.argv[2]])))
        return
    print("\n".join([*folders(reached), *least(reached)]))


if __name__ == "__main__":
    main()
