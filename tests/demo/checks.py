"""What a demo prints: an ok or FAILED line a check, with what was seen; and progress, so that nobody waits in silence."""

import sys
import threading
import time


class Failed(Exception):
    """A check's own no: the text says what was seen."""


class Enough(Exception):
    """The check whose cause was broken has had its say: nothing behind it matters."""


class Report:
    def __init__(self, broken):
        self.broken = broken  # the number of the check whose cause was broken on purpose, or None
        self.failed, self.passed = [], []
        self.number = 0
        self.started = time.monotonic()
        self.last_line = time.monotonic()
        self.waiting = "the start"
        self.over = threading.Event()
        threading.Thread(target=self.heartbeat, daemon=True).start()

    def clock(self):
        return f"{time.monotonic() - self.started:6.1f}"

    def say(self, text):
        self.last_line = time.monotonic()
        print(f"{self.clock()}  {text}", flush=True)

    def heartbeat(self):
        while not self.over.wait(1):
            if time.monotonic() - self.last_line >= 5:
                self.say(f"      ... {self.waiting}")

    def check(self, title, look):
        """Runs look(); its text is what was seen. Failed, and any trouble in looking, is a FAILED line."""
        self.number += 1
        self.waiting = title
        try:
            seen = look()
            word, kept = "ok    ", self.passed
        except (Failed, AssertionError, RuntimeError, OSError, KeyError, IndexError, StopIteration) as e:
            seen = str(e) or type(e).__name__
            word, kept = "FAILED", self.failed
        kept.append(self.number)
        self.say(f"{word} {self.number:2}. {title}")
        self.say(f"           {seen}")
        if self.number == self.broken:
            raise Enough

    def end(self):
        """The exit status. A broken demo must fail, and at the check whose cause was broken."""
        self.over.set()
        total = len(self.passed) + len(self.failed)
        print(f"\n{total} checks in {self.clock().strip()} s\n{len(self.passed)} passed, {len(self.failed)} failed")
        if self.broken is None:
            return 1 if self.failed else 0
        if self.broken in self.failed:
            print(f"check {self.broken} FAILED, as it must: its cause was broken on purpose")
        else:
            print(f"check {self.broken} is blind: its cause was broken and it did not notice", file=sys.stderr)
            return 2
        return 1
