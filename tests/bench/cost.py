"""What a program costs, with all that it started: from /proc, children included.

with Watch(pid) as watch:        looks at the memory every tenth of a second from here on
    watch.spent()                seconds on a processor since the beginning
    watch.end()                  {"peak", "median"}: bytes
"""

import os
import pathlib
import re
import statistics
import threading

PROC = pathlib.Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_S = 0.1
LOOK_EACH = 10  # so many samples later it is looked whether there are new children
LAUNCHERS = ("sudo",)  # stand before a program and are none of it


def stat_of(pid):
    """(name, the fields behind it), or None: there is no such process any more."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.split()


def tree(root):
    """The process and all below it."""
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := stat_of(entry.name)):
            parents.setdefault(int(stat[1][1]), []).append(int(entry.name))
    found, left = [], [root]
    while left:
        pid = left.pop()
        stat = stat_of(pid)
        left += parents.get(pid, [])
        if stat and stat[0] not in LAUNCHERS:
            found.append(pid)
    return found


def spent_s(pids):
    """On a processor, user's and kernel's, with those of children that have ended."""
    stats = [stat_of(pid) for pid in pids]
    return sum(sum(map(int, stat[1][11:15])) for stat in stats if stat) / TICKS


def memory_of(pid, name):
    """VmHWM or VmRSS in bytes; 0: it has ended."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", (PROC / str(pid) / "status").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) * 1024 if found else 0


class Watch(threading.Thread):
    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.over = pid, threading.Event()
        self.pids = tree(pid)
        self.before = spent_s(self.pids)
        self.resident = []
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.join()

    def run(self):
        count = 0
        while not self.over.wait(SAMPLE_S):
            count += 1
            if count % LOOK_EACH == 0:
                self.pids = tree(self.pid)
            self.resident.append(sum(memory_of(pid, "VmRSS") for pid in self.pids))

    def spent(self):
        return spent_s(tree(self.pid)) - self.before

    def end(self):
        """{"peak": highest ever, since each was started, or of all at one look where some have ended since; "median": of what
        was resident meanwhile}"""
        self.over.set()
        self.join()
        peak = sum(memory_of(pid, "VmHWM") for pid in tree(self.pid))
        resident = self.resident or [0]
        return {"peak": max(peak, *resident), "median": statistics.median(resident)}
