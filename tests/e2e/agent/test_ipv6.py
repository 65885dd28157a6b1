"""A subnet without IPv4: the metadata service by its other address, AWS and the login by dual-stack hosts."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.peers import process
from tests.peers.stage import may_be_root, sudo

# A network of its own: the one address that such a machine surely has, and none of IPv4.
NETWORK = """
ip link set lo up && ip -4 addr flush dev lo && ip -6 addr add fd00:ec2::254/128 dev lo || exit
"$1" -m tests.peers.imds --host fd00:ec2::254 --port 80 --dir "$2" &
shift 2 && exec "$@"
"""


def started(agent, change):
    """The agent, with its configuration changed first; once it is connected: what the line about its identity says of hosts."""
    agent.config.write_text(change(agent.config.read_text()))
    agent.agent_start()
    process.wait_for(lambda: "control.connected" in agent.log(), 60, "a login and a poll that is answered")
    return re.search(r"agent.identity .* hosts=(\S+)$", agent.log(), re.MULTILINE)[1]


def test_an_agent_that_reaches_the_metadata_service_by_ipv6_logs_in_with_the_dual_stack_name_of_sts(neighbour):
    agent = neighbour()
    folder = agent.dir / "peers/imds6"
    shutil.copytree(agent.imds_dir, folder)
    url = agent.start_peer("tests.peers.imds", "--host", "::1", "--port", 0, "--dir", folder)
    assert url.startswith("http://[::1]:")
    assert started(agent, lambda text: text.replace(agent.imds_url, f'"{url}"')) == "api.aws"


@pytest.mark.parametrize(("dualstack", "hosts"), [("true", "api.aws"), ("false", "amazonaws.com")])
def test_the_configuration_has_the_last_word_on_the_names(neighbour, dualstack, hosts):
    assert started(neighbour(), lambda text: text.replace("aws:\n", f"aws:\n  dualstack: {dualstack}\n")) == hosts


def usual(text):
    """The configuration of a customer: nothing says where metadata service and AWS are."""
    return re.sub(r"  imds_endpoint: .*\n  endpoints:\n(    .*\n)+", "  region: us-east-1\n", text)


@pytest.mark.skipif(not may_be_root(), reason="needs root for a network of its own")
def test_with_no_word_in_the_configuration_it_finds_the_ipv6_address_and_asks_dual_stack_hosts(neighbour):
    agent = neighbour()
    agent.config.write_text(usual(agent.config.read_text()))
    (agent.imds_dir / "requests.jsonl").write_text("")
    command = sudo("unshare", "-n", "sh", "-c", NETWORK, "sh", sys.executable, agent.imds_dir)
    with open(agent.dir / "peers/agent.log", "wb") as log:
        how = {"stderr": log, "start_new_session": True, "cwd": process.REPO}
        child = subprocess.Popen([*command, agent.binary, "run", "-c", agent.config], **how)
    try:
        # Names cannot be looked up in that network: which one is asked for is what can be seen.
        step = "step=caller "
        process.wait_for(lambda: step in agent.log(), 60, "the step behind the metadata service")
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(15)
    told = next(line for line in agent.log().splitlines() if step in line)
    assert "sts.us-east-1.api.aws" in told
    asked = [(line["method"], line["status"]) for line in agent.lines(agent.imds_dir / "requests.jsonl")]
    assert ("PUT", 200) in asked and ("GET", 200) in asked
