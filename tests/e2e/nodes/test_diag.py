"""diag.collect and diag.send of a real agent: the bundle is by the customer's rules, leaves with both keys, and is what its name says."""

import base64
import gzip
import json

import pytest

from tests.e2e.warehouse import policy


@pytest.fixture
def diag(stage):
    """The policy lets bundles be collected and sent."""
    last = "  nodes.replace: auto\n"
    stage.write_policy(policy(stage).replace(last, f"{last}  diag.collect: auto\n  diag.send: auto\n"))
    return stage


def signed(stage, *more):
    return ("-q", "--command-key", stage.keys_dir / "command.key", *more)


def test_a_bundle_is_collected_here_and_sent_with_both_keys(diag):
    result = diag.wait_result(diag.vendor("diag-collect", *signed(diag)), 60)
    assert result["state"] == "SUCCEEDED", result
    output = result["result"]["output"]
    digest = base64.b64decode(output["sha256"]).hex()
    here = (diag.dir / f"state/diag/{digest}.gz").read_bytes()
    lines = [json.loads(line) for line in gzip.decompress(here).splitlines()]
    parts = [line["part"] for line in lines]
    assert parts[:4] == ["about", "config", "policy", "status"] and parts[-1] == "end"
    assert "record" in parts and "inventory.left_out" in parts
    text = gzip.decompress(here).decode()
    assert (output["kind"], int(output["size_bytes"]), len(here)) == ("diag", len(here), len(here))
    assert '"signed"' not in text and '"user_data"' not in text
    one_key = diag.wait_result(diag.vendor("diag-send", digest, *signed(diag)), 60)
    assert (one_key["state"], one_key["error"]["class"]) == ("DENIED", "POLICY")
    assert not (diag.vendor_dir / f"diag/{diag.installation}").exists()
    both = signed(diag, "--second-key", diag.keys_dir / "release.key")
    for _ in range(2):  # the second time the vendor has it already
        assert diag.wait_result(diag.vendor("diag-send", digest, *both), 60)["state"] == "SUCCEEDED"
    assert (diag.vendor_dir / f"diag/{diag.installation}/{digest}.gz").read_bytes() == here
    unknown = diag.wait_result(diag.vendor("diag-send", "ab" * 32, *both), 60)
    assert (unknown["state"], unknown["error"]["class"]) == ("FAILED", "PRECONDITION")
    assert "there is no bundle" in unknown["error"]["message"]
