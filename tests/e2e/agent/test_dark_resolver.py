"""Name servers that do not answer: the agent looks names up beside its work, and waits for none of them."""

import signal
import subprocess

import pytest

from tests.e2e.agent.conftest import second_config
from tests.peers import process
from tests.peers.stage import VENDOR_HOST, may_be_root, sudo

SERVERS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
ASIDE = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
SILENT = "import socket, sys, time\nkept = [socket.socket(type=socket.SOCK_DGRAM) for a in sys.argv[1:]]\n" + (
    "for s, a in zip(kept, sys.argv[1:]):\n    s.bind((a, 53))\nprint('silent', flush=True)\nsys.stdin.read()\n"
)


@pytest.fixture
def resolv_conf(tmp_path):
    """Three name servers that take every question and answer none."""
    if not may_be_root():
        pytest.skip("needs root: name servers listen on port 53")
    silent = subprocess.Popen(
        sudo("python3", "-c", SILENT, *SERVERS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if silent.stdout.readline().strip() != "silent":
        pytest.skip("port 53 is taken")
    path = tmp_path / "resolv.conf"
    path.write_text("".join(f"nameserver {address}\n" for address in SERVERS))
    yield path
    silent.communicate()


@pytest.fixture
def in_the_dark(stage, tmp_path, resolv_conf):
    """A second agent, which finds AWS by addresses, and its vendor by a name."""
    config = second_config(stage, tmp_path)
    command = sudo("unshare", "-m", "sh", "-c", ASIDE, "sh", resolv_conf, stage.binary, "run", "-c", config)
    with open(tmp_path / "log", "wb") as log:
        agent = subprocess.Popen(command, stdout=log, stderr=log)
    yield agent, config, tmp_path / "log"
    if agent.poll() is None:
        agent.kill()
        agent.wait()


def status(stage, config):
    command = sudo(stage.binary, "status", "-c", config)
    run = subprocess.run(command, capture_output=True, check=False, text=True, timeout=10)
    return run.stdout if run.returncode == 0 else ""


def test_status_answers_and_the_end_is_quick_while_no_name_server_answers(stage, in_the_dark):
    agent, config, log = in_the_dark
    process.wait_for(lambda: "agent.identity" in log.read_text(), 30, "identity")
    while (failed := log.read_text().count("control.login.failed")) < 4:
        assert "not logged in" in status(stage, config)
        assert agent.poll() is None, f"after {failed} logins"
    assert f"the name {VENDOR_HOST}: no answer from the resolver in 3000 ms" in log.read_text()
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(10) == 0
