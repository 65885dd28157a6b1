"""room.py - a Debian 12 of its own: made by debootstrap, brought up to date, and left again.

Nothing of this machine is edited; where its apt has no lists yet, they are fetched first."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import arch
import gates

SUITE = "bookworm"
# Without this a mirror that does not answer is a warning, and what it had yesterday, or nothing, counts as its newest.
UPDATE = "apt-get update -q -o APT::Update::Error-Mode=any"
TARGETS = "apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT) $(ARCHITECTURE)'"


def told_by(*command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout[-2000:]}{done.stderr[-2000:]}\nthis has failed: {' '.join(command)}")
    return done.stdout


def fetched():
    """[(uri, suite)] of what apt of this machine has lists of; of sources without lists it says nothing."""
    found = []
    for line in told_by(*shlex.split(TARGETS)).splitlines():
        kind, uri, suite, component = (*line.split(), "", "", "")[:4]
        if kind == "Packages" and component == "main" and re.fullmatch(rf"{SUITE}(-updates|-security)?", suite):
            found.append((uri, suite))
    return sorted(dict.fromkeys(found), key=lambda mirror: len(mirror[1]))


def mirrors():
    """Where this machine gets Debian from: the archive itself first, then its updates and security fixes."""
    needed = {SUITE, f"{SUITE}-security"}
    found = fetched()
    if not needed <= {suite for _, suite in found}:
        print(f"  APT   this machine has no lists of {' or '.join(sorted(needed))}: apt-get update", flush=True)
        told_by(*UPDATE.split())
        found = fetched()
    suites = [suite for _, suite in found]
    if not needed <= set(suites):
        raise SystemExit(
            "a release is built from Debian 12 and its security fixes, and apt of this machine knows"
            f" {', '.join(suites) or 'none'}: give it sources for {SUITE} and {SUITE}-security"
            " (/etc/apt/sources.list.d)"
        )
    return found


class Room:
    """A folder that holds a Debian; `run` starts something in it. Its programs are this machine's; of another processor
    there may be libraries beside them, and the programs that are linked with these."""

    def __init__(self, folder, target=None):
        self.target = target or arch.named(os.uname().machine)
        self.folder = pathlib.Path(folder).resolve()
        self.log = self.folder.with_suffix(".log")

    def run(self, script, **env):
        """A script for bash; what it prints is kept in the log and returned. It gets nothing from our environment."""
        plain = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        command = ["chroot", str(self.folder), "/bin/bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(
            command, capture_output=True, text=True, env=plain | env, stdin=subprocess.DEVNULL, check=False
        )
        with self.log.open("a") as log:
            log.write(f"\n$ {script}\n{done.stdout}{done.stderr}")
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
            raise SystemExit(f"{tail}\nin the room for the build this failed (all of it is in {self.log}):\n{script}")
        return done.stdout

    def command(self, *words):
        """The words that start, from outside, a program in here that was built for the target."""
        return ["chroot", str(self.folder), *self.target.runner, *words]

    def _apt(self):
        """The mirrors of this machine, their sources too, and how apt reaches them (a proxy, say)."""
        apt = self.folder / "etc/apt"
        lines = [f"{kind} {uri} {suite} main\n" for uri, suite in mirrors() for kind in ("deb", "deb-src")]
        (apt / "sources.list").write_text("".join(lines))
        acquire = [
            line
            for line in told_by("apt-config", "dump").splitlines()
            if re.match(r"Acquire::(?!IndexTargets|Changelogs)", line)
        ]
        (apt / "apt.conf.d/90host").write_text("\n".join(acquire) + "\n")
        (self.folder / "etc/dpkg/dpkg.cfg.d/90build").write_text("force-unsafe-io\n")
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")

    def update(self):
        """The newest lists of every mirror; without one of them nothing goes on, for its fixes would be missing."""
        try:
            self.run(UPDATE)
        except SystemExit as failed:
            raise SystemExit("\n".join([str(failed), *gates.unfetched(str(failed), self.target.debian)])) from None
        faults = list(gates.lists(self.run(TARGETS), SUITE, self.target.debian))
        if faults:
            raise SystemExit("\n".join(faults))

    def make(self, packages):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        uri = mirrors()[0][0]
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(self.folder), uri]
        made = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        self.log.write_text(made.stdout + made.stderr)
        if made.returncode != 0:
            raise SystemExit(
                f"{made.stdout[-2000:]}{made.stderr[-2000:]}\ndebootstrap has failed; all of it is in {self.log}"
            )
        self._apt()
        if self.target.is_foreign:
            self.run(f"dpkg --add-architecture {self.target.debian}")
        self.update()
        self.run("apt-get dist-upgrade -q -y")
        self.run(f"apt-get install -q -y --no-install-recommends {' '.join(packages)}")

    def copy_in(self, root, files, to):
        """Files of the folder `root`, by their names, into the room's folder `to`."""
        for name in files:
            target = self.folder / to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(pathlib.Path(root) / name, target, follow_symlinks=False)


def must_be_root(argv):
    """chroot and debootstrap ask for it. The builder's umask ends here: other users of a room read what is there."""
    os.umask(0o022)
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-n", *argv])
