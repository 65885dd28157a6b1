"""Numbered log lines, and the account of those that arrived.

A line is 180 bytes with its LF: what a log4j logger of a database front end writes, with a number between blanks. Line n is always
the same text. It is neither constant nor random: as of a real log, zlib's level 1 leaves less than a quarter of it. And it is clean:
nothing in it is what a rule of redaction looks for (no address, no long number, none behind an equals sign)."""

import random
import re
import time

LENGTH = 180
BLOCK = 1000  # lines that one seed makes
LINES_A_SECOND, BEGIN_S = 5000, 1_772_323_200  # of the time that stands in them
NUMBER = re.compile(rb" #(\d{9}) ")
LEVELS = ("INFO ", "INFO ", "INFO ", "INFO ", "INFO ", "INFO ", "INFO ", "WARN ", "DEBUG")
THREADS = ("thrift-server-pool", "report-thread", "mysql-nio-pool", "tablet scheduler", "txnCleaner", "stream-load")
PLACES = (
    "ReportHandler.tabletReport():604",
    "DatabaseTransactionMgr.commitTransaction():718",
    "PublishVersionDaemon.tryFinishTxn():171",
    "TabletScheduler.schedulePendingTablets():423",
    "StreamLoadHandler.setCloudCluster():96",
    "QeProcessorImpl.registerQuery():117",
    "CacheHotspotManager.warmUp():388",
)
# A text, and of each number in it the least and how many there are.
PARTS = (
    ("receive report from backend[%d], version %d", (10_000, 600), (254_338_210, 90_000_000)),
    ("transaction:[label load_%08x, txn id %d] committed", (0, 1 << 32), (84_000_000, 9_000_000)),
    ("publish version %d of partition %d", (172_500_000, 90_000_000), (11_400_000, 6_400_000)),
    ("tablet %d is HEALTHY, replica %d", (1_730_210_000, 90_000_000), (173_000_000, 9_000_000)),
    ("scheduled in %d us, pending: %d, running: %d", (0, 400_000), (0, 5000), (0, 200)),
    ("query id %08x:%08x, fragments: %d, hosts: %d", (0, 1 << 32), (0, 1 << 32), (0, 256), (0, 64)),
    ("loaded %d rows, %d bytes, in %d ms", (0, 10_000_000), (0, 900_000_000), (0, 5000)),
)
KINDS = 1000  # of lines: which thread writes them, where, and of what


class Lines:
    """of(n): line n, with its LF; first(n): all lines up to there, block by block."""

    def __init__(self):
        self.at, self.lines = -1, []

    def of(self, n):
        if n // BLOCK != self.at:
            self.at, self.lines = n // BLOCK, block(n // BLOCK)
        return self.lines[n % BLOCK]

    def first(self, n):
        for at in range(0, n, BLOCK):
            yield b"".join(block(at // BLOCK)[: n - at])


def kinds():
    """Pairs of a text and what its numbers may be. The first three are the milliseconds, the thread and the line's number."""
    pick = random.Random(0).random
    for _ in range(KINDS):
        level, thread, place = (of[int(pick() * len(of))] for of in (LEVELS, THREADS, PLACES))
        parts = [PARTS[int(pick() * len(PARTS))] for _ in range(3)]
        text = f"%03d {level} ({thread}-%d|%d) [{place}] #%09d " + "; ".join(part[0] for part in parts)
        yield text, [number for part in parts for number in part[1:]]


ALL_KINDS = list(kinds())


def block(at):
    chance = random.Random(at).random
    lines = []
    for n in range(at * BLOCK, (at + 1) * BLOCK):
        if n % LINES_A_SECOND == 0 or not lines:
            second = time.strftime("%Y-%m-%d %H:%M:%S,", time.gmtime(BEGIN_S + n // LINES_A_SECOND))
        text, numbers = ALL_KINDS[int(chance() * KINDS)]
        given = (n % LINES_A_SECOND // 5, int(chance() * 40), int(chance() * 100_000), n)
        text %= given + tuple([least + int(chance() * many) for least, many in numbers])
        lines.append((second + text)[: LENGTH - 2].encode() + b".\n")
    return lines


def numbers_in(data):
    """Of bytes in which lines stand, such as an OTLP body."""
    return map(int, NUMBER.findall(data))


class Account:
    """What became of the lines 0..n-1. A number beyond was never written, and is an error of whoever sent it."""

    def __init__(self, n):
        self.times = bytearray(n)
        self.arrived = self.repeated = self.unknown = 0

    def take(self, numbers):
        """How many of these were there before."""
        before, times = self.repeated, self.times
        for n in numbers:
            if n >= len(times):
                self.unknown += 1
            elif times[n]:
                self.repeated += 1
            else:
                times[n] = 1
                self.arrived += 1
        return self.repeated - before

    @property
    def missing(self):
        return len(self.times) - self.arrived

    def first_missing(self):
        """The first number that did not arrive; None: all did."""
        at = self.times.find(0)
        return None if at < 0 else at
