"""The vendor changes its chain under a running agent: the file of certificates is read at each poll, and nothing else counts."""

import re
import subprocess

import pytest

from tests.peers import process
from tests.peers.stage import VENDOR_HOST
from tests.vendor import keys


@pytest.fixture
def chains(stage, tmp_path):
    """The certificates of the chain in use, and the folder of the one to come."""
    keys.new_certificate(tmp_path, [VENDOR_HOST])
    old = (stage.keys_dir / "ca.pem").read_text()
    yield old, tmp_path
    stage.replace("ca.pem", old)
    stage.vendor_kill()
    stage.vendor_start()


def polls(stage):
    """When the agent last had an answer from the vendor."""
    run = subprocess.run([stage.binary, "status", "-c", stage.config], capture_output=True, check=False, text=True)
    found = re.search(r"last answer (\S+)", run.stdout)
    return found[1].rstrip(",") if found else ""


def next_poll(stage, what):
    before = polls(stage)
    process.wait_for(lambda: polls(stage) > before, 60, f"a poll with {what}")


def refusals(stage):
    return [
        x for x in (stage.dir / "peers/agent.log").read_text().splitlines() if "certificate" in x and "control." in x
    ]


def next_refusal(stage, what):
    before = len(refusals(stage))
    process.wait_for(lambda: len(refusals(stage)) > before, 60, f"a certificate refused with {what}")


def move_vendor(stage, certificate=None):
    stage.vendor_kill()
    stage.vendor_start(certificate)


def test_a_vendor_moves_to_a_new_chain_and_the_old_one_is_taken_out_while_the_agent_runs(stage, chains):
    old, folder = chains
    new = (folder / "ca.pem").read_text()
    next_poll(stage, "the old chain")
    stage.replace("ca.pem", old + new)
    next_poll(stage, "both, and the vendor on the old chain")
    move_vendor(stage, folder)
    next_poll(stage, "both, and the vendor on the new chain")
    stage.replace("ca.pem", new)
    next_poll(stage, "the new chain alone")
    move_vendor(stage)
    next_refusal(stage, "the new chain alone, and the vendor on the old one")


def test_a_chain_that_is_taken_out_ends_a_living_connection(stage, chains):
    old, folder = chains
    next_poll(stage, "the old chain")
    stage.replace("ca.pem", (folder / "ca.pem").read_text())
    next_refusal(stage, "the new chain alone, and a connection to the old one")
    before = polls(stage)
    next_refusal(stage, "the new chain alone")
    assert polls(stage) == before
    stage.replace("ca.pem", old)
    next_poll(stage, "the old chain again")
