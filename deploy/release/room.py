"""room.py - a Debian 12 of its own: made by debootstrap, brought up to date, and left again. Nothing of this machine is edited."""

import os
import pathlib
import re
import shutil
import subprocess

SUITE = "bookworm"


def told_by(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def mirrors():
    """Where this machine gets Debian from, as [(uri, suite)]: the archive itself first, then its updates and security fixes."""
    found = []
    for line in told_by(
        "apt-get", "indextargets", "--format", "$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)"
    ).splitlines():
        kind, uri, suite, component = (*line.split(), "", "", "")[:4]
        if kind == "Packages" and component == "main" and re.fullmatch(rf"{SUITE}(-updates|-security)?", suite):
            found.append((uri, suite))
    found.sort(key=lambda mirror: len(mirror[1]))
    suites = [suite for _, suite in found]
    if SUITE not in suites or f"{SUITE}-security" not in suites:
        raise SystemExit(
            f"a release is built from Debian 12 and its security fixes, and apt of this machine knows {', '.join(suites) or 'none'}"
            f": give it sources for {SUITE} and {SUITE}-security (/etc/apt/sources.list.d)"
        )
    return found


class Room:
    """A folder that holds a Debian; `run` starts something in it."""

    def __init__(self, folder):
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
        self.run("apt-get update -q && apt-get dist-upgrade -q -y")
        self.run(f"apt-get install -q -y --no-install-recommends {' '.join(packages)}")

    def copy_in(self, root, files, to):
        """Files of the folder `root`, by their names, into the room's folder `to`."""
        for name in files:
            target = self.folder / to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(pathlib.Path(root) / name, target, follow_symlinks=False)


def must_be_root(argv):
    """chroot and debootstrap ask for it."""
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-n", *argv])
