"""`make play`: what it prints can be typed, and Ctrl-C ends all of it."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from tests.peers import process
from tests.peers.process import REPO
from tests.peers.stage import sudo


class Play:
    def __init__(self, until="every AWS call"):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.demo.play"],
            cwd=REPO,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.text = ""
        while until not in self.text:
            line = self.process.stdout.readline()
            assert line, self.text
            self.text += line
        found = re.search(r"touch (\S+)/etc/STOP", self.text)
        self.folder = pathlib.Path(found[1]) if found else None

    def typed(self, text):
        """Runs the printed line that has this text in it."""
        line = next(line.strip() for line in self.text.splitlines() if text in line)
        done = subprocess.run(["bash", "-c", line], cwd=REPO, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def interrupt(self):
        """As a terminal does: to the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)

    def rest(self):
        """What it says behind the page that it prints."""
        return self.process.stdout.read()

    def agent(self):
        """The id of the agent's own process."""
        run = subprocess.run(
            ["pgrep", "-f", f"^{self.folder}/bin/reeve run"], capture_output=True, text=True, check=True
        )
        return int(run.stdout)

    def left(self):
        """What still runs of it; one that is dead and not yet reaped does not."""
        session = ["ps", "-o", "stat=,args=", "--sid", str(self.process.pid)]
        lines = subprocess.run(session, capture_output=True, text=True, check=False).stdout.splitlines()
        return [line for line in lines if not line.startswith("Z")]


@pytest.fixture
def play():
    running = Play()
    yield running
    if running.process.poll() is None:
        os.killpg(running.process.pid, signal.SIGKILL)


def test_what_play_prints_can_be_typed_and_ctrl_c_ends_all_of_it(play):
    result = re.search(r"as ([0-9a-f-]{36})", play.typed("apply"))[1]
    listed = process.wait_for(lambda: re.search(rf"{result}.*SUCCEEDED", play.typed(" list")), 60, "the plan")
    assert "plan" in listed[0]
    assert "inst-1" in play.typed(" status ")
    assert "command 1 is accepted" in play.typed("journal show")
    assert play.interrupt() == 0
    assert play.rest().split() == ["stopping"]  # no traceback of any of them
    assert not play.folder.exists() and play.left() == []


def test_an_agent_that_dies_is_noticed_and_its_last_lines_are_shown(play):
    agent = str(play.agent())
    subprocess.run(sudo("kill", "-STOP", agent), check=True)  # so that it says no more
    log = (play.folder / "peers/agent.log").read_text().splitlines()
    subprocess.run(sudo("kill", "-9", agent), check=True)
    assert play.process.wait(60) == 1
    rest = play.rest()
    assert "the agent has ended (signal 9 ended it). Its last lines:" in rest or "exit status 137" in rest
    assert all(line in rest for line in log[-10:])
    assert "Traceback" not in rest and rest.splitlines()[-1] == "stopping"
    assert not play.folder.exists() and play.left() == []


@pytest.mark.parametrize("line", ["moto on", "metadata service on", "fault proxy on", "vendor plane on"])
def test_ctrl_c_while_it_starts_ends_all_of_it_too(line):
    starting = Play(until=line)
    try:
        assert starting.interrupt() == 0
        assert "Traceback" not in starting.rest() and starting.left() == []
    finally:
        starting.process.stdout.close()
        if starting.process.poll() is None:
            os.killpg(starting.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("peer", ["imds", "fault_proxy"])
def test_a_peer_that_is_run_by_hand_ends_quietly(peer, number, tmp_path):
    more = {"imds": [], "fault_proxy": ["--upstream", "http://127.0.0.1:1"]}[peer]
    command = [sys.executable, "-m", f"tests.peers.{peer}", "--dir", str(tmp_path), *more]
    child = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert child.stdout.readline().startswith("listening on ")
    child.send_signal(number)
    assert (child.wait(60), child.stdout.read()) == (0, "")
    child.stdout.close()
