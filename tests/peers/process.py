"""Starts programs for a test and ends them with it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

from tests.peers.pb import REPO


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process=None, timeout_s=60):
    """Returns when something listens; RuntimeError when the process ends or the time is over before."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode} before it listened on {port}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port} after {timeout_s} s")


# How much longer than on a quiet machine a thing may take on one that has other work: only a test that fails waits for it.
PATIENCE = 4


def wait_for(condition, timeout_s=10, what="condition"):
    """The first true value of condition(), which takes less than timeout_s on a quiet machine."""
    timeout_s *= PATIENCE
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {timeout_s} s")


@contextlib.contextmanager
def interrupt_blocked():
    """Ctrl-C goes to all processes of a terminal. What is started in here does not hear it, then or later: it is ended, in order, by
    whoever started it, who hears it at the end of this."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_python(*args, env=None, stdout=subprocess.DEVNULL, stderr=None):
    """python -m ... from the top of the repository."""
    command = [sys.executable, "-m", *(str(a) for a in args)]
    child = None
    try:
        with interrupt_blocked():
            child = subprocess.Popen(command, cwd=REPO, env=os.environ | (env or {}), stdout=stdout, stderr=stderr)
    except KeyboardInterrupt:
        if child is not None:
            child.kill()
        raise
    return child


def stop(process, timeout_s=10):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
