"""The README's two doors: what stands there can be typed, and what it installs is the template that is there."""

import re
import shlex
import subprocess

import pytest
import yaml
from cfnlint.decode import cfn_yaml

from tests.docs import blocks

REPO = blocks.REPO


@pytest.mark.block("README.md", "keys")
def test_the_vendors_keys_are_made_as_the_page_says(block, tmp_path):
    assert "/tmp/keys" in block
    command = block.replace("/tmp/keys", str(tmp_path / "keys"))
    run = subprocess.run(["bash", "-euc", command], cwd=REPO, capture_output=True, text=True, check=True)
    assert [key["role"] for key in yaml.safe_load(run.stdout)["trust"]["keys"]] == ["command", "release", "head"]


@pytest.mark.block("README.md", "install")
def test_the_stack_is_installed_with_parameters_that_it_has_and_all_that_it_needs(block):
    words = shlex.split(block.replace("\\\n", " "))
    template = cfn_yaml.load(str(REPO / words[words.index("--template-file") + 1]))
    at = words.index("--parameter-overrides")
    given = dict(word.split("=", 1) for word in words[at + 1 :])
    known = template["Parameters"]
    assert set(given) <= set(known)
    assert {name for name, p in known.items() if "Default" not in p} <= set(given)
    for name, value in given.items():
        if not value.startswith("$"):
            assert re.fullmatch(known[name].get("AllowedPattern", ".*"), value), name
            assert value in known[name].get("AllowedValues", [value]), name
    assert "CAPABILITY_NAMED_IAM" in words
    assert words[:3] == ["aws", "cloudformation", "deploy"]
