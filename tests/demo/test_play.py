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


class Play:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.demo.play"],
            cwd=REPO,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.text = ""
        while "every AWS call" not in self.text:
            line = self.process.stdout.readline()
            assert line, self.text
            self.text += line
        self.folder = pathlib.Path(re.search(r"touch (\S+)/etc/STOP", self.text)[1])

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
    assert not play.folder.exists()
    session = subprocess.run(
        ["ps", "-o", "args=", "--sid", str(play.process.pid)], capture_output=True, text=True, check=False
    )
    assert session.stdout == ""
