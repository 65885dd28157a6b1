"""Name servers that do not answer: the agent looks names up beside its work, and waits for none of them."""

import signal
import subprocess

import pytest

from tests.e2e.warehouse import second_config
from tests.peers import dark, process
from tests.peers.stage import VENDOR_HOST, may_be_root, sudo


@pytest.fixture
def resolv_conf(tmp_path):
    """Three name servers that take every question and answer none."""
    if not may_be_root():
        pytest.skip("needs root: name servers listen on port 53")
    try:
        with dark.silent_servers(tmp_path) as path:
            yield path
    except dark.PortTaken:
        pytest.skip("port 53 is taken")


@pytest.fixture
def in_the_dark(stage, tmp_path, resolv_conf):
    """A second agent, which finds AWS by addresses, and its vendor by a name."""
    config = second_config(stage, tmp_path)
    command = dark.command(resolv_conf, stage.binary, "run", "-c", config)
    with open(tmp_path / "log", "wb") as log:
        agent = subprocess.Popen(command, stdout=log, stderr=log)
    yield agent, config, tmp_path / "log"
    if agent.poll() is None:
        agent.kill()
        agent.wait()


def status(stage, config):
    command = sudo(stage.binary, "status", "-c", config)
    run = subprocess.run(command, capture_output=True, check=False, text=True, timeout=10)
    return run.stdout  # nothing while no daemon answers


def test_status_answers_and_the_end_is_quick_while_no_name_server_answers(stage, in_the_dark):
    agent, config, log = in_the_dark
    process.wait_for(lambda: "agent.identity" in log.read_text(), 30, "identity")
    while (failed := log.read_text().count("control.login.failed")) < 4:
        assert "not logged in" in status(stage, config)
        assert agent.poll() is None, f"after {failed} logins"
    assert f"the name {VENDOR_HOST}: no answer from the resolver in 3000 ms" in log.read_text()
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(10) == 0
