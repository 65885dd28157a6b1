#!/usr/bin/env python3
"""run.py [--places] [name...] - breaks the agent on purpose, one promise at a time, and demands that a named test turns red.

Each mutant is one change of one place, made in a copy of the tree under build/mutants. A place that is no longer there and a
mutant that no test kills are failures of this run. The shipped code knows nothing of this."""

import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import time

import control
import doors
import engine
import iam
import inventory
import journal
import kinds
import network
import plans
import redaction
import telemetry
import volumes

ROOT = pathlib.Path("build/mutants")
MUTANTS = [
    *engine.MUTANTS,
    *plans.MUTANTS,
    *redaction.MUTANTS,
    *control.MUTANTS,
    *doors.MUTANTS,
    *iam.MUTANTS,
    *inventory.MUTANTS,
    *journal.MUTANTS,
    *kinds.MUTANTS,
    *network.MUTANTS,
    *telemetry.MUTANTS,
    *volumes.MUTANTS,
]


def places(m, folder):
    return [p for p in sorted(folder.glob(m.path)) for _ in range(p.read_text().count(m.old))]


def breaks(m, folder):
    """Applies the change; False when its place is not there exactly once in the files that the pattern names."""
    found = places(m, folder)
    if len(found) != 1:
        return False
    found[0].write_text(found[0].read_text().replace(m.old, m.new))
    return True


def copy(folder):
    """The tree with its objects and their times, so that make builds what was changed alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    ).stdout
    for name in names.split("\n"):
        if name and pathlib.Path(name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)
    for part in ("gen", "agent", "collectors", "shippers", "llhttp", "tests/sim"):
        if (pathlib.Path("build") / part).exists():
            shutil.copytree(pathlib.Path("build") / part, folder / "build" / part, copy_function=shutil.copy2)


def why(output):
    """The sentence by which a test says what is broken."""
    for pattern in (
        r"FAILED (seed \d+: .*)",
        r"\[  FAILED  \] \S+: \d+ .*\n\[  FAILED  \] (\w+)",
        r"\[  FAILED  \] (\w+)",
        r"(.*[Aa]ssert.*)",
    ):
        found = re.search(pattern, output)
        if found:
            return found[1][:150]
    return "it did not even end well"


def kill(m):
    """(killed, sentence)"""
    folder = ROOT / re.sub(r"[^a-z0-9]+", "-", m.name.lower())
    copy(folder)
    if not breaks(m, folder):
        return False, f"{m.path} no longer has the place that it changes"
    for test in m.tests:
        program = test.split()[0]
        built = subprocess.run(["make", "-s", program], cwd=folder, check=False, capture_output=True, text=True)
        if built.returncode != 0:
            return False, "it does not build: " + (built.stderr or built.stdout).strip()[-300:]
        ran = subprocess.run(test.split(), cwd=folder, check=False, capture_output=True, text=True, errors="replace")
        if ran.returncode != 0:
            name = pathlib.Path(program).name
            shutil.rmtree(folder, ignore_errors=True)
            return True, f"{name}: {why(ran.stdout + ran.stderr)}"
    return False, "SURVIVED: no test turned red"


def missing():
    """What make lint asks: does every mutant still have its place?"""
    bad = [m for m in MUTANTS if len(places(m, pathlib.Path())) != 1]
    for m in bad:
        print(f"tests/mutants/run.py: {m.path} no longer has the place that this mutant changes: {m.name}")
    return 1 if bad else 0


def main():
    if sys.argv[1:] == ["--places"]:
        return missing()
    chosen = [m for m in MUTANTS if not sys.argv[1:] or any(a in m.name for a in sys.argv[1:])]
    start, bad = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for m, (killed, text) in zip(chosen, pool.map(kill, chosen), strict=True):
            bad += not killed
            print(f"{'red  ' if killed else 'GREEN'} {m.name} -> {text}", flush=True)
    print(f"{len(chosen) - bad} passed, {bad} failed in {time.monotonic() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
