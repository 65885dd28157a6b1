"""The IAM simulator, and what an AWS call is in its eyes: some checks, each an action on a resource in a context."""

import json
import os
import pathlib
import subprocess

import pytest

REPO = pathlib.Path(__file__).parents[2]
NODE = REPO / "build/venv/bin/node"
FOLDER = REPO / "build/node"
JUDGE = pathlib.Path(__file__).parent / "judge.mjs"


def is_there():
    return NODE.exists() and (FOLDER / "node_modules/@cloud-copilot/iam-simulate").exists()


def needed():
    """Without the simulator nothing here is known: under CI that is a failure."""
    if is_there():
        return
    if os.environ.get("CI"):
        pytest.fail("the IAM simulator is not there: make deps")
    pytest.skip("the IAM simulator is not there: make deps")


def judge(documents, checks):
    """Answers in the order of the checks: {"result": "Allowed" or "ImplicitlyDenied", "ignored": [...]}."""
    asked = json.dumps({"documents": documents, "checks": checks})
    done = subprocess.run([NODE, JUDGE, FOLDER], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
