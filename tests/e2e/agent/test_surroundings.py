"""What is around the daemon fails: its stderr, its descriptors, its socket, its service manager's patience."""

import fcntl
import os
import re
import signal
import subprocess

import pytest

from tests.e2e.agent.conftest import second_config
from tests.peers import process


def status(stage, config):
    command = [stage.binary, "status", "-c", config]
    run = subprocess.run(command, capture_output=True, check=False, text=True, timeout=10)
    return run.stdout if run.returncode == 0 else ""


@pytest.fixture
def start(stage, tmp_path):
    """Starts another agent beside the stage's; the test gets the process and its configuration."""
    agents = []

    def run(more="", **how):
        config = second_config(stage, tmp_path, more=more)
        agents.append(subprocess.Popen([stage.binary, "run", "-c", config], **how))
        return agents[-1], config

    yield run
    for agent in agents:
        if agent.poll() is None:
            agent.kill()
        agent.wait()


def test_a_stderr_that_nobody_reads_holds_nothing_up_and_status_counts_the_lines(stage, start):
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    agent, config = start("log: {level: debug}\n", stderr=write_end)
    os.close(write_end)
    process.wait_for(lambda: re.search(r"log +\d+ lines dropped", status(stage, config)), 60, "lines that are counted")
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(15) == 0
    os.close(read_end)
