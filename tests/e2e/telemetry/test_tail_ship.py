"""Tail and shipper together, killed and renamed under, against a receiver that answers badly: nothing is missing, and what
comes twice is a whole body whose answer was lost."""

import random
import signal
import subprocess
import time

import pytest

from tests.e2e.telemetry.receiver import Receiver
from tests.e2e.telemetry.tools import build
from tests.peers.process import wait_for

LINES = 200_000
RENAMES = 10
KILLS = 5


@pytest.fixture(scope="module")
def tail_ship():
    return build("tail_ship")


class Sender:
    """The program under test, killed and started again."""

    def __init__(self, program, tmp_path, receiver, pattern):
        self.spool = tmp_path / "spool"
        self.command = [program, str(self.spool), receiver.url, str(tmp_path / pattern)]
        self.receiver = receiver
        self.errors = tmp_path / "errors"
        self.start()

    def start(self):
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=errors)

    def kill(self):
        assert self.process.poll() is None, f"ended by itself with {self.process.returncode}"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        time.sleep(0.2)  # what has been sent is read, and answered into the void
        self.receiver.sender_killed(self.spool)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out = self.process.communicate(timeout=30)[0]
        assert self.process.returncode == 0
        return out


def append(path, data):
    with path.open("ab", buffering=0) as f:
        f.write(data)


def write(path, chance, sender):
    """Numbered lines of uneven length; renames between lines, also while the sender is down."""
    renames = set(chance.sample(range(1000, LINES), RENAMES))
    kills = set(chance.sample(range(1000, LINES), KILLS))
    pending, kept = bytearray(), 0
    for i in range(LINES):
        pending += b"%07d %s\n" % (i, b"x" * chance.randrange(120))
        if i in renames:
            append(path, pending)
            pending.clear()
            path.rename(f"{path}.{kept}")
            kept += 1
            append(path, b"")
            time.sleep(0.3)  # a name that nobody sees between two renames is lost to a path without a glob
        if i in kills:
            sender.kill()
            sender.start()
        if len(pending) > 40_000:
            cut = chance.randrange(len(pending))  # in the middle of a line
            append(path, pending[:cut])
            del pending[:cut]
            time.sleep(0.002)
    append(path, pending)
    assert kept == RENAMES


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_no_line_is_missing_through_renames_kills_and_bad_answers(tail_ship, tmp_path, pattern):
    chance = random.Random(7)
    receiver = Receiver(seed=8)
    sender = Sender(tail_ship, tmp_path, receiver, pattern)
    try:
        write(tmp_path / "app.log", chance, sender)
        receiver.wait_lines(LINES)
        sender.stop()
    finally:
        sender.process.kill()
        receiver.close()
    numbers = [int(line[:7]) for line in receiver.lines()]
    assert receiver.violations == []
    assert len(numbers) == LINES and set(numbers) == set(range(LINES))  # each once: a body's repeats are the same bytes
    assert sum(receiver.faults.values()) > 0


def test_what_is_open_at_the_end_is_spooled_and_sent_by_the_next(tail_ship, tmp_path):
    receiver = Receiver(seed=1, fault_rate=0)
    (tmp_path / "x.log").write_bytes(b"one\ntwo\nhalf")
    sender = Sender(tail_ship, tmp_path, receiver, "x.log")
    try:
        time.sleep(0.5)  # read, but the batch stays open for a second
        sender.stop()
        assert b"two" not in b"".join(p.read_bytes() for p in (tmp_path / "spool").iterdir() if p.name == "commits")
        sender.start()
        receiver.wait_lines(2)
        time.sleep(1.5)
        with open(tmp_path / "x.log", "ab") as f:
            f.write(b" whole\n")
        receiver.wait_lines(3)
        sender.stop()
    finally:
        sender.process.kill()
        receiver.close()
    assert receiver.lines() == ["one", "two", "half whole"]


def test_a_link_beside_a_rotated_file_does_not_bring_out_what_it_leads_to(tail_ship, tmp_path):
    logs, secret = tmp_path / "logs", tmp_path / "secret"
    logs.mkdir()
    secret.write_bytes(b"secret\n")
    (logs / "x.log").write_bytes(b"one\n")
    receiver = Receiver(seed=1, fault_rate=0)
    sender = Sender(tail_ship, tmp_path, receiver, "logs/x.log")
    try:
        receiver.wait_lines(1)
        (logs / "x.log.1").symlink_to(secret)
        secret.touch()  # a rotated file's successor is not older than it
        (logs / "x.log").rename(logs / "x.log.2")
        (logs / "x.log").write_bytes(b"two\n")
        receiver.wait_lines(2)
        time.sleep(2)
        sender.stop()
    finally:
        sender.process.kill()
        receiver.close()
    assert receiver.lines() == ["one", "two"]


def test_a_body_in_the_spool_is_plain_gzip(tail_ship, tmp_path):
    (tmp_path / "x.log").write_bytes(b"one\n")
    receiver = Receiver(seed=1, fault_rate=0)
    receiver.close()  # nobody listens
    sender = Sender(tail_ship, tmp_path, receiver, "x.log")
    bodies = wait_for(lambda: list((tmp_path / "spool").glob("*.pb.gz")), 60, "a body")
    text = subprocess.run(["gunzip", "-c", bodies[0]], capture_output=True, check=True).stdout
    sender.stop()
    assert b"one" in text
