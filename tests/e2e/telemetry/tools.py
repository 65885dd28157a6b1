"""Builds the small programs of tests/tools."""

import os
import subprocess

from tests.peers.pb import REPO


def build(name):
    flavour = os.environ.get("FLAVOUR", "release")
    folder = "build" if flavour == "release" else f"build/{flavour}"
    target = f"{folder}/tests/tools/{name}"
    make = ["make", "-s", "-f", "Makefile", "-f", "tests/tools/tools.mk", f"FLAVOUR={flavour}", target]
    subprocess.run(make, cwd=REPO, check=True)
    return f"{REPO}/{target}"
