"""A subnet without IPv4: the metadata service by its other address, AWS and the login by dual-stack hosts."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.e2e.agent.conftest import second_config
from tests.peers import process, web
from tests.peers.stage import ROLE, may_be_root, sudo

# A network of its own: the one address that such a machine surely has, and none of IPv4.
NETWORK = """
ip link set lo up && ip -4 addr flush dev lo && ip -6 addr add fd00:ec2::254/128 dev lo || exit
"$1" -m tests.peers.imds --host fd00:ec2::254 --port 80 --dir "$2" &
shift 2 && exec "$@"
"""


@pytest.fixture
def installation(stage, tmp_path):
    """Another installation beside the stage's, and what its agent says; for the test to start."""
    name, aws = tmp_path.name.replace("_", "-")[-30:].strip("-").lower(), stage.aws
    stage.vendor("register", name, "--account", aws["account"], "--region", aws["region"], "--role", ROLE)
    agents = []

    def start(change, *before):
        config = second_config(stage, tmp_path, drop="# nothing")
        config.write_text(change(config.read_text().replace("installation: inst-1", f"installation: {name}")))
        with open(tmp_path / "log", "wb") as log:
            how = {"stderr": log, "start_new_session": True, "cwd": process.REPO}
            agents.append(subprocess.Popen([*before, stage.binary, "run", "-c", config], **how))
        return tmp_path / "log"

    yield start
    for agent in agents:
        os.killpg(agent.pid, signal.SIGTERM)
        agent.wait(15)


def test_an_agent_that_reaches_the_metadata_service_by_ipv6_logs_in_with_the_dual_stack_name_of_sts(
    stage, tmp_path, installation
):
    folder = tmp_path / "imds"
    shutil.copytree(stage.imds_dir, folder)
    url = stage.start_peer("tests.peers.imds", "--host", "::1", "--port", 0, "--dir", folder)
    assert url.startswith("http://[::1]:")
    log = installation(lambda text: text.replace(stage.imds_url, f'"{url}"'))
    process.wait_for(lambda: "control.connected" in log.read_text(), 60, "a login and a poll that is answered")
    assert re.search(r"agent.identity .* hosts=api.aws$", log.read_text(), re.MULTILINE)


@pytest.mark.parametrize(("dualstack", "hosts"), [("true", "api.aws"), ("false", "amazonaws.com")])
def test_the_configuration_has_the_last_word_on_the_names(stage, installation, dualstack, hosts):
    log = installation(lambda text: text.replace("aws:\n", f"aws:\n  dualstack: {dualstack}\n"))
    process.wait_for(lambda: "control.connected" in log.read_text(), 60, "a login and a poll that is answered")
    assert re.search(f"agent.identity .* hosts={hosts}$", log.read_text(), re.MULTILINE)


def usual(text):
    """The configuration of a customer: nothing says where metadata service and AWS are."""
    return re.sub(r"  imds_endpoint: .*\n  endpoints:\n(    .*\n)+", "  region: us-east-1\n", text)


@pytest.mark.skipif(not may_be_root(), reason="needs root for a network of its own")
def test_with_no_word_in_the_configuration_it_finds_the_ipv6_address_and_asks_dual_stack_hosts(
    stage, tmp_path, installation
):
    folder = tmp_path / "imds"
    shutil.copytree(stage.imds_dir, folder)
    web.write_json(folder / "faults.json", [])
    (folder / "requests.jsonl").write_text("")
    log = installation(usual, *sudo("unshare", "-n", "sh", "-c", NETWORK, "sh", sys.executable, folder))
    # Names cannot be looked up in that network: which one is asked for is what can be seen.
    step = "step=caller "
    process.wait_for(lambda: step in log.read_text(), 60, "the step behind the metadata service")
    told = next(line for line in log.read_text().splitlines() if step in line)
    assert "sts.us-east-1.api.aws" in told
    asked = [(line["method"], line["status"]) for line in stage.lines(folder / "requests.jsonl")]
    assert ("PUT", 200) in asked and ("GET", 200) in asked
