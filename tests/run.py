#!/usr/bin/env python3
"""run.py 'name=command'... - runs jobs beside each other, one a processor and one more, and adds up what they counted.

A job is a cmocka program, a pytest run, a check that only succeeds or fails, or anything whose last line says
"N passed, N failed". One line a job, one at least every eight seconds, and the total as the last line. What a job printed is
kept in build/log/; of a job that failed the end is shown. With CI in the environment a skipped test is a failed one:
there everything that a test may need is present."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

LOG = pathlib.Path("build/log")
LIMIT_S = int(os.environ.get("JOB_LIMIT_S", "600"))
QUIET_S = 8
CMOCKA = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) +\] (?P<n>\d+) test\(s\)", re.MULTILINE)
COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped)\b")
KIND = {"PASSED": "passed", "FAILED": "failed", "SKIPPED": "skipped", "error": "failed", "errors": "failed"}


def count(text, ok):
    """What a job counted; one that counted nothing is one check, and one that failed has failed at something."""
    n = {"passed": 0, "failed": 0, "skipped": 0}
    for m in CMOCKA.finditer(text):
        n[KIND[m[1]]] += int(m["n"])
    if not any(n.values()):
        lines = [line for line in text.splitlines() if re.match(r"=* ?\d+ (passed|failed|error|skipped)", line)]
        for number, kind in COUNTED.findall(lines[-1]) if lines else []:
            n[KIND.get(kind, kind)] += int(number)
    if ok and not any(n.values()):
        n["passed"] = 1
    if not ok and not n["failed"]:
        n["failed"] = 1
    if os.environ.get("CI") and n["skipped"]:
        n["failed"] += n["skipped"]
    return n


class Run:
    def __init__(self, jobs):
        self.jobs = list(jobs)
        self.running = {}
        self.lock = threading.Lock()
        self.total = {"passed": 0, "failed": 0, "skipped": 0}
        self.failed = []
        self.start = self.spoke = time.monotonic()

    def say(self, text):
        self.spoke = time.monotonic()
        print(text, flush=True)

    def work(self):
        while True:
            with self.lock:
                if not self.jobs:
                    return
                name, _, command = self.jobs.pop(0).partition("=")
                self.running[name] = time.monotonic()
            text, ok = self.job(name, command)
            self.done(name, text, ok)

    def job(self, name, command):
        log = LOG / (name.replace("/", ".") + ".log")
        with log.open("wb") as out:
            p = subprocess.Popen(
                ["bash", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = p.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                code = p.wait()
        text = log.read_text(errors="replace")
        return (text if code >= 0 else f"{text}\nended by signal {-code}, after {LIMIT_S} s at most"), code == 0

    def done(self, name, text, ok):
        n = count(text, ok)
        with self.lock:
            took = time.monotonic() - self.running.pop(name)
            for kind, number in n.items():
                self.total[kind] += number
            counted = ", ".join(f"{v} {k}" for k, v in n.items() if v)
            self.say(f"  {'ok   ' if not n['failed'] else 'FAIL '} {name:<40} {counted} ({took:.1f} s)")
            if n["failed"]:
                self.failed.append(name)
                self.say("\n".join(text.splitlines()[-60:]))

    def all(self):
        # Half of the jobs wait for something most of the time: a second, a poll, an answer.
        workers = [threading.Thread(target=self.work, daemon=True) for _ in range((os.cpu_count() or 1) + 1)]
        for w in workers:
            w.start()
        while any(w.is_alive() for w in workers):
            time.sleep(0.1)
            with self.lock:
                if time.monotonic() - self.spoke > QUIET_S:
                    self.say(f"  ...   {time.monotonic() - self.start:.0f} s, running: {', '.join(self.running)}")
        if self.failed:
            self.say(f"failed: {' '.join(sorted(self.failed))}")
        self.say(f"{self.total['passed']} passed, {self.total['failed']} failed")
        return 1 if self.failed else 0


if __name__ == "__main__":
    LOG.mkdir(parents=True, exist_ok=True)
    sys.exit(Run(sys.argv[1:]).all())
