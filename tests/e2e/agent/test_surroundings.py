"""What is around the daemon fails: its stderr, its descriptors, its socket, its service manager's patience."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from tests.e2e.warehouse import second_config
from tests.peers import process


def status(stage, config):
    command = [stage.binary, "status", "-c", config]
    run = subprocess.run(command, capture_output=True, check=False, text=True, timeout=10)
    return run.stdout  # nothing while no daemon answers


@pytest.fixture
def start(stage, tmp_path):
    """Starts another agent beside the stage's; the test gets the process and its configuration."""
    agents = []

    def run(*before, more="", **how):
        config = second_config(stage, tmp_path, more=more)
        agents.append(subprocess.Popen([*before, stage.binary, "run", "-c", config], **how))
        return agents[-1], config

    yield run
    for agent in agents:
        if agent.poll() is None:
            agent.kill()
        agent.wait()


def test_a_stderr_that_nobody_reads_holds_nothing_up_and_status_counts_the_lines(stage, start):
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    agent, config = start(more="log: {level: debug}\n", stderr=write_end)
    os.close(write_end)
    process.wait_for(lambda: re.search(r"log +\d+ lines dropped", status(stage, config)), 60, "lines that are counted")
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(15) == 0
    os.close(read_end)


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_a_descriptor_that_is_closed_at_the_start_is_nobody_elses(stage, start, closed):
    agent, config = start("sh", "-c", f'exec "$@" {closed}', "sh", more="log: {level: debug}\n")
    process.wait_for(lambda: "mode" in status(stage, config), 30, "status with a mode")
    missing = [fd for fd in (0, 1, 2) if str(fd) in closed]
    assert [os.readlink(f"/proc/{agent.pid}/fd/{fd}") for fd in missing] == ["/dev/null"] * len(missing)
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(15) == 0


def test_no_stray_signal_ends_it_and_hangup_is_answered_by_a_line(stage, start, tmp_path):
    with open(tmp_path / "log", "wb") as log:
        agent, config = start(stderr=log)
    process.wait_for(lambda: "mode" in status(stage, config), 30, "status with a mode")
    for number in (
        "HUP",
        "USR1",
        "USR2",
        "ALRM",
        "VTALRM",
        "PROF",
        "IO",
        "PWR",
        "STKFLT",
        "XFSZ",
        "PIPE",
        "RTMIN",
        "RTMAX",
    ):
        agent.send_signal(getattr(signal, f"SIG{number}"))
    process.wait_for(lambda: "agent.hangup effect=none" in (tmp_path / "log").read_text(), 10, "a line")
    assert "mode" in status(stage, config)
    agent.send_signal(signal.SIGQUIT)
    assert agent.wait(15) == 0


def test_a_socket_comes_back_that_was_deleted_or_lost_its_folder_or_could_not_be_made(stage, start, tmp_path):
    agent, config = start()
    process.wait_for(lambda: "mode" in status(stage, config), 30, "status")
    (tmp_path / "run/reeve.sock").unlink()
    process.wait_for(lambda: "mode" in status(stage, config), 30, "status after the socket was deleted")
    (tmp_path / "run").rename(tmp_path / "aside")
    time.sleep(5)  # it is looked for, and cannot be made
    (tmp_path / "run").mkdir()
    process.wait_for(lambda: "mode" in status(stage, config), 30, "status after the folder was taken away")
    (tmp_path / "run/reeve.sock").unlink()
    (tmp_path / "run/reeve.sock").write_text("another's")
    time.sleep(5)
    assert (tmp_path / "run/reeve.sock").read_text() == "another's"
    (tmp_path / "run/reeve.sock").unlink()
    process.wait_for(lambda: "mode" in status(stage, config), 30, "status after another's file stood there")
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(15) == 0
    assert not (tmp_path / "run/reeve.sock").exists()


def test_an_agent_that_cannot_make_its_socket_at_the_start_makes_it_later_and_ends_in_order_before(
    stage, start, tmp_path
):
    with open(tmp_path / "log", "wb") as log:
        agent, config = start("sh", "-c", f'rmdir {tmp_path}/run && exec "$@"', "sh", stderr=log)
    process.wait_for(lambda: "socket.off" in (tmp_path / "log").read_text(), 30, "a line that says so")
    (tmp_path / "run").mkdir()
    process.wait_for(lambda: "mode" in status(stage, config), 30, "status")
    (tmp_path / "run/reeve.sock").unlink()
    (tmp_path / "run").rmdir()
    process.wait_for(lambda: "socket.gone" in (tmp_path / "log").read_text(), 30, "a line that says so")
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(15) == 0


@pytest.mark.parametrize("interval_ms", [200, 1000, 2900])
def test_a_watchdog_with_too_short_an_interval_is_told_of_and_kept_content(stage, start, tmp_path, interval_ms):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(30)
    env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(interval_ms * 1000)}
    with open(tmp_path / "log", "wb") as log:
        start(stderr=log, env=os.environ | env)
    said = []
    while said.count("WATCHDOG=1") < 12:
        said.append(manager.recv(4096).decode())
    assert f"watchdog.short interval_ms={interval_ms} " in (tmp_path / "log").read_text()
    assert "WATCHDOG_USEC=6000000" in said
    ticks = [x for x in said if x.startswith("STATUS=")]
    assert len(ticks) <= 12 * 5  # it is petted at least every fifth tick, and a tick is a quarter of the interval
