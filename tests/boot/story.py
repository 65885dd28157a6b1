"""How a set of stories is told: one after the other, each in a world of its own, and each kept for the record (result.py)."""

import hashlib
import os
import pathlib
import sys

from tests.boot import machine, world

RELEASE = machine.REPO / "build/release/reeve"


TOLD_OF = ("build/package/*.sums", "deploy/cloudformation/*")


def release():
    """The SHA-256 of the program that the packages carry."""
    return hashlib.sha256(RELEASE.read_bytes()).hexdigest()


def told_of():
    """What the stories are about: packages and user data. One told of others is told again."""
    paths = sorted(path for pattern in TOLD_OF for path in machine.REPO.glob(pattern) if path.is_file())
    each = [f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.name}" for path in paths]
    return hashlib.sha256("\n".join([release(), *each]).encode()).hexdigest()


class Story:
    """Sentences, each asked and answered; they are printed, and kept for the record."""

    def __init__(self):
        self.passed, self.failed, self.lines = 0, 0, []

    def check(self, sentence, holds, found=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        self.tell(f"  {'ok   ' if holds else 'FAIL '} {sentence}" + ("" if holds else f": {str(found)[:600]}"))

    def keep(self, path):
        """What was told since the last time, for the record (result.py): first of what, then the lines."""
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([told_of(), *self.lines]) + "\n")
        self.lines = []

    def tell(self, line):
        self.lines.append(line)
        print(line, flush=True)


def tell(kind, parts, play, last=None):
    """The whole of a program `FOLDER [PART...]`: play(s, part, world, image, place) for each part that is asked for, and
    last(s, image) behind them. Returns its exit status."""
    folder = pathlib.Path(sys.argv[1]).resolve()
    only = sys.argv[2:]
    os.umask(0o022)
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-n", sys.executable, "-m", f"tests.boot.{kind}_story", *sys.argv[1:]])
    image = machine.Image(folder / "image")
    machine.enter_network()
    s = Story()
    for part in parts:
        if only and part.__name__ not in only:
            continue
        place = folder / kind / part.__name__
        machine.clear(place)
        try:
            with world.World(place, RELEASE) as w:
                play(s, part, w, image, place / "machine")
        except (TimeoutError, RuntimeError) as broken:
            s.check(f"{part.__name__} can be told to its end", False, broken)
        s.keep(folder / f"told/{kind}-{part.__name__}.txt")
    if last:
        last(s, image)
        s.keep(folder / f"told/{kind}-last.txt")
    print(f"{s.passed} passed, {s.failed} failed")
    return s.failed != 0
