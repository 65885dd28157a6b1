"""The machine's journal and shipper together, on real files of a journal: killed again and again, across rotations and one vacuum,
against a receiver that answers badly. Nothing is missing but what was deleted unread, and that is told."""

import os
import random
import subprocess
import time

import pytest

from tests.e2e.telemetry.receiver import Receiver
from tests.e2e.telemetry.test_tail_ship import Sender
from tests.e2e.telemetry.tools import build
from tests.peers.process import wait_for

REMOTE = "/lib/systemd/systemd-journal-remote"
ROUNDS, EACH, ROTATE, KILL = 24, 500, 5, 4
START_S = int(time.time())  # what is older than a moment ago counts as read

pytestmark = pytest.mark.skipif(
    not os.path.exists(REMOTE) and not os.environ.get("CI"),
    reason=f"{REMOTE} is missing: apt-get install systemd-journal-remote",
)


@pytest.fixture(scope="module")
def tail_ship():
    return build("tail_ship")


def entry(i):
    other = i % 7 == 0
    return (
        f"__REALTIME_TIMESTAMP={START_S * 1_000_000 + i * 1000}\n__MONOTONIC_TIMESTAMP={1_000_000 + i * 1000}\n"
        f"_BOOT_ID={'b' * 32}\nPRIORITY=6\n_PID=42\n"
        + ("_SYSTEMD_UNIT=init.scope\n_PID=1\nUNIT=numbered.service\n" if other else "_SYSTEMD_UNIT=numbered.service\n")
        + f"MESSAGE={i:07}\n\n"
        + f"__REALTIME_TIMESTAMP={START_S * 1_000_000 + i * 1000 + 1}\n__MONOTONIC_TIMESTAMP={1_000_001 + i * 1000}\n"
        f"_BOOT_ID={'b' * 32}\n_SYSTEMD_UNIT=other.service\nMESSAGE=of another\n\n"
    )


def write(folder, file, numbers):
    stream = "".join(entry(i) for i in numbers).encode()
    subprocess.run([REMOTE, "-o", folder / f"{file}.journal", "-"], input=stream, check=True, capture_output=True)


def test_no_entry_is_missing_through_rotations_kills_and_bad_answers(tail_ship, tmp_path):
    journal = tmp_path / "journal"
    journal.mkdir()
    write(journal, 0, [0])
    receiver = Receiver(seed=8)
    sender = Sender(tail_ship, tmp_path, receiver, "x")
    sender.process.kill()
    sender.process.wait()
    sender.command[3] = f"journald:{journal}"
    sender.start()
    chance = random.Random(7)
    try:
        for n in range(ROUNDS):
            write(journal, n // ROTATE, range(1 + n * EACH, 1 + (n + 1) * EACH))
            if chance.randrange(KILL) == 0:
                sender.kill()
                sender.start()
        receiver.wait_lines(1 + ROUNDS * EACH)
        sender.stop()
    finally:
        sender.process.kill()
        receiver.close()
    numbers = [int(line) for line in receiver.lines()]
    assert receiver.violations == []
    assert len(numbers) == 1 + ROUNDS * EACH and set(numbers) == set(range(1 + ROUNDS * EACH))
    assert sum(receiver.faults.values()) > 0


def test_what_was_deleted_unread_is_a_gap_and_the_rest_comes(tail_ship, tmp_path):
    journal = tmp_path / "journal"
    journal.mkdir()
    write(journal, 0, range(10))
    receiver = Receiver(seed=1, fault_rate=0)
    sender = Sender(tail_ship, tmp_path, receiver, "x")
    sender.process.kill()
    sender.process.wait()
    sender.command[3] = f"journald:{journal}"
    sender.start()
    try:
        receiver.wait_lines(10)
        sender.stop()
        write(journal, 0, range(10, 20_000))
        write(journal, 1, range(20_000, 20_010))
        (journal / "0.journal").unlink()
        sender.start()
        receiver.wait_lines(20)
        wait_for(lambda: b"journald.gap" in sender.errors.read_bytes() or None, 10, "the gap")
        sender.stop()
    finally:
        sender.process.kill()
        receiver.close()
    assert [int(line) for line in receiver.lines()] == [*range(10), *range(20_000, 20_010)]
    told = next(line for line in sender.errors.read_text().splitlines() if "journald.gap" in line)
    at = [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(s)) for s in (START_S, START_S + 20)]
    assert f"source=journald:numbered why=vacuumed from={at[0]}.009Z to={at[1]}.000Z" in told
