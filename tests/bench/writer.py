"""The application whose log it is: appends numbered lines to files at an even rate, and rotates them as logrotate does."""

import contextlib
import os
import pathlib
import shutil
import time

from tests.bench.lines import LENGTH, Lines

TICK_S = 0.01
TELL_S = 5


class Input:
    """The first n lines in a file, made once: what is written from there costs nobody a thought."""

    def __init__(self, path, n, say=lambda text: None):
        self.path, self.lines = pathlib.Path(path), n
        told = time.monotonic()
        with self.path.open("wb") as f:
            for part in Lines().first(n):
                f.write(part)
                if time.monotonic() - told > TELL_S:
                    told = time.monotonic()
                    say(f"{f.tell() // 1_000_000} of {n * LENGTH // 1_000_000} MB of lines are made")
        self.path.chmod(0o644)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, at, n):
        return os.pread(self.fd, n * LENGTH, at * LENGTH)

    def warm(self):
        """The page cache has it."""
        while os.read(self.fd, 1 << 24):
            pass
        os.lseek(self.fd, 0, os.SEEK_SET)

    def close(self):
        os.close(self.fd)
        self.path.unlink()


class Writer:
    """Lines of an Input into one file or several, in turn. `written` lines stand in them."""

    def __init__(self, source, *paths):
        self.source, self.paths = source, [pathlib.Path(p) for p in paths]
        self.files = [self.open(p) for p in self.paths]
        self.written = 0

    @staticmethod
    def open(path):
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(self, n, rate):
        """n lines more, `rate` of them a second."""
        start, first = time.monotonic(), self.written
        while self.written < first + n:
            due = min(int((time.monotonic() - start) * rate), n) - (self.written - first)
            if due > 0:
                self.append(due)
            time.sleep(TICK_S)

    def append(self, n):
        data = self.source.read(self.written, n)
        if len(self.files) == 1:
            os.write(self.files[0], data)
        else:
            for i in range(n):
                os.write(self.files[(self.written + i) % len(self.files)], data[i * LENGTH : (i + 1) * LENGTH])
        self.written += n

    # ---- of the first file ----

    def rename(self):
        """app.log.1 becomes app.log.2, and so on; then app.log becomes app.log.1, and is made anew."""
        path = self.paths[0]
        kept = len(list(path.parent.glob(f"{path.name}.*")))
        for i in range(kept, 0, -1):
            os.rename(f"{path}.{i}", f"{path}.{i + 1}")
        os.rename(path, f"{path}.1")
        os.close(self.files[0])
        self.files[0] = self.open(path)

    def copytruncate(self):
        path = self.paths[0]
        shutil.copyfile(path, f"{path}.1")
        os.truncate(path, 0)

    def close(self):
        for f in self.files:
            with contextlib.suppress(OSError):
                os.close(f)
        self.files = []
