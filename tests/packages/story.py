"""The packages, as a machine meets them (make package-test): installed, upgraded, downgraded, removed and purged in a
clean Debian 12 of its own; the .rpm beside it by rpm itself; and what lintian and rpmlint say of them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "deploy/release"))
import room

FILES = [
    "/usr/bin/reeve",
    "/usr/lib/systemd/system/reeve.service",
    "/usr/lib/systemd/system/reeve-again.timer",
    "/usr/lib/reeve/root/lib64",
    "/usr/lib/reeve/root/var/lib/reeve",
    "/usr/share/reeve/telemetry.conf",
    "/usr/lib/sysusers.d/reeve.conf",
    "/usr/share/doc/reeve/THIRD_PARTY",
    "/usr/share/doc/reeve/copyright",
    "/usr/share/doc/reeve/examples/policy.yaml",
    "/usr/share/doc/reeve/examples/reeve.yaml",
    "/usr/share/doc/reeve/iam/agent.json",
    "/usr/share/doc/reeve/reeve.cdx.json",
    "/usr/share/man/man5/reeve-policy.5.gz",
    "/usr/share/man/man5/reeve.yaml.5.gz",
    "/usr/share/man/man8/reeve.8.gz",
    "/usr/share/bash-completion/completions/reeve",
]
LINK = "/etc/systemd/system/multi-user.target.wants/reeve.service"
# Of one package alone: each names licence and changes in its own way, and zsh looks elsewhere on Debian.
OWN = (
    "! -name changelog.gz ! -name copyright ! -name LICENSE ! -path './usr/share/lintian/*' ! -path './usr/share/zsh/*'"
)
RPMLINT_CLEAN = "1 packages and 0 specfiles checked; 0 errors, 0 warnings"
BROKEN = "/tmp/broken"
RECORDING = "/usr/sbin/systemctl"
JOURNAL = "/var/lib/reeve/journal/0000000000000001.jsonl"


class Story:
    def __init__(self, folder, packages, target=None):
        self.room = room.Room(folder, target)
        self.packages = packages
        self.passed, self.failed = 0, 0

    def check(self, sentence, holds, found=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"  {'ok   ' if holds else 'FAIL '} {sentence}" + ("" if holds else f": {found}"), flush=True)

    def told(self, script):
        """(did it work, what it said)"""
        try:
            return True, self.room.run(script)
        except SystemExit as refused:
            return False, str(refused)

    def there(self, path):
        return os.path.lexists(self.room.folder / path.lstrip("/"))

    def version(self):
        return self.room.run("reeve version").strip()

    def begin(self):
        self.room.make(["cpio", "rpm", "systemd"])
        for package in self.packages.values():
            shutil.copy(package, self.room.folder / "tmp")
        shutil.copy(REPO / "tests/packages/rpmlint.conf", self.room.folder / "tmp")

    def install(self, which, **env):
        return self.room.run(f"dpkg -i /tmp/{self.packages[which].name}", **env)

    def with_broken_systemd(self):
        """The environment of a machine on which systemd runs and does nothing that it is asked for."""
        self.room.run(
            f"mkdir -p {BROKEN} /run/systemd/system && cd {BROKEN} && printf '#!/bin/sh\\nexit 1\\n' > systemctl"
            " && chmod 755 systemctl && cp systemctl deb-systemd-invoke"
        )
        return {"PATH": f"{BROKEN}:/usr/sbin:/usr/bin:/sbin:/bin"}

    def with_recording_systemd(self):
        """The environment of a machine on which systemd runs; what it is asked for is written down. rpm gives its scripts a path
        of its own, in which /usr/sbin comes before /usr/bin."""
        self.room.run(
            f"mkdir -p {BROKEN} /run/systemd/system && cd {BROKEN} && : >asked"
            f" && printf '#!/bin/sh\\necho \"$@\" >>{BROKEN}/asked\\n' >systemctl && chmod 755 systemctl"
            f" && cp systemctl deb-systemd-invoke && cp systemctl {RECORDING}"
        )
        return {"PATH": f"{BROKEN}:/usr/sbin:/usr/bin:/sbin:/bin"}

    def asked(self):
        """Of systemd, since the last time."""
        return self.room.run(f"cat {BROKEN}/asked; : >{BROKEN}/asked").splitlines()

    def write_state(self):
        """What an installation has written by and by."""
        self.room.run(
            f"install -d -o reeve -g reeve -m 700 /var/lib/reeve /var/lib/reeve/journal; echo kept > {JOURNAL}"
            "; install -d /etc/reeve; cp /usr/share/doc/reeve/examples/*.yaml /etc/reeve/"
        )

    def keeps_state(self):
        return self.room.run(f"cat {JOURNAL} 2>/dev/null || true") == "kept\n" and self.there("/etc/reeve/reeve.yaml")


def debian(s):
    s.install("deb")
    missing = [f for f in FILES if not s.there(f)]
    s.check("an installation brings every file", not missing, missing)
    s.check("the program runs", s.version() == "reeve 0.1.0", s.version())
    user = s.room.run("getent passwd reeve || true").strip()
    s.check("its user has no shell and no home of its own", user.endswith(":/var/lib/reeve:/usr/sbin/nologin"), user)
    s.check("nothing is started or enabled by it", not s.there(LINK))
    groups = s.room.run("id -nG reeve").split()
    s.check("its user is in no other group", groups == ["reeve"], groups)
    s.room.run("systemctl enable reeve.service")
    s.write_state()
    wrong = s.room.run("reeve check-config /etc/reeve/reeve.yaml 2>&1 || true")
    s.check("the example says which values are the vendor's to give", "public_key" in wrong, wrong)
    s.install("newer")
    s.check("an upgrade brings the newer program", s.version() == "reeve 0.2.0", s.version())
    s.check("an upgrade leaves state and configuration", s.keeps_state())
    s.check("an upgrade leaves it enabled", s.room.run("systemctl is-enabled reeve.service").strip() == "enabled")
    s.install("deb")
    s.check("a downgrade brings the older program", s.version() == "reeve 0.1.0", s.version())
    s.check("a downgrade leaves state and configuration", s.keeps_state())
    s.install("deb")
    s.check("to install it again is harmless", s.keeps_state() and s.version() == "reeve 0.1.0")
    s.room.run("dpkg -r reeve")
    s.check("a removal takes the program", not s.there("/usr/bin/reeve") and not s.there("/usr/share/doc/reeve"))
    s.check("a removal leaves state and configuration", s.keeps_state())
    s.check("a removal leaves it enabled, as every package of Debian does", s.there(LINK))
    s.install("deb")
    s.check("what comes back finds its state", s.keeps_state())
    s.check("what comes back is enabled", s.room.run("systemctl is-enabled reeve.service").strip() == "enabled")
    broken_systemd(s)
    s.room.run("dpkg -P reeve")
    s.check("a purge takes state and configuration", not s.there("/var/lib/reeve") and not s.there("/etc/reeve"))
    left = s.room.run("find /etc/systemd -name '*reeve*'")
    s.check("a purge leaves no link of systemd", left == "", left)
    s.room.run("dpkg -P reeve || true")
    s.check("dpkg knows nothing of it any more", "reeve" not in s.room.run("dpkg -l 'reeve*' 2>/dev/null || true"))


# How state or configuration may lie elsewhere: what is done before the purge, and what then shows that nothing is left.
ELSEWHERE = {
    "a state folder that is mounted": (
        "mkdir -p /var/lib/reeve && mount -t tmpfs tmpfs /var/lib/reeve && touch /var/lib/reeve/one",
        "[ -z $(ls -A /var/lib/reeve) ]; umount /var/lib/reeve; rmdir /var/lib/reeve",
    ),
    "a mount in the state folder": (
        "mkdir -p /var/lib/reeve/spool && mount -t tmpfs tmpfs /var/lib/reeve/spool && touch /var/lib/reeve/spool/one",
        (
            "[ $(ls -A /var/lib/reeve) = spool ]; [ -z $(ls -A /var/lib/reeve/spool) ];"
            " umount /var/lib/reeve/spool; rm -r /var/lib/reeve"
        ),
    ),
    "a mounted folder of the configuration": (
        "mkdir -p /etc/reeve && mount -t tmpfs tmpfs /etc/reeve && touch /etc/reeve/reeve.yaml",
        "[ -z $(ls -A /etc/reeve) ]; umount /etc/reeve; rmdir /etc/reeve",
    ),
    "a state folder behind a link": (
        "rm -rf /var/lib/reeve && install -d -o reeve /srv/reeve && touch /srv/reeve/one && ln -s /srv/reeve /var/lib/reeve",
        "[ ! -L /var/lib/reeve ]; [ -z $(ls -A /srv/reeve) ]; rmdir /srv/reeve",
    ),
    "and leaves behind a link what is not the service's": (
        "rm -rf /var/lib/reeve && install -d /srv/other && touch /srv/other/one && ln -s /srv/other /var/lib/reeve",
        "[ ! -L /var/lib/reeve ]; [ $(ls -A /srv/other) = one ]; rm -r /srv/other",
    ),
}


def purge_of_what_lies_elsewhere(s):
    """State and configuration may lie on a file system of their own: they go, and so does everything that comes behind them."""
    for what, (before, afterwards) in ELSEWHERE.items():
        s.install("deb")
        s.room.run("systemctl enable reeve.service; install -d /etc/systemd/system/reeve.service.d")
        ran, told = s.told(f"set -e; {before}; dpkg -P reeve; {afterwards}")
        s.check(f"a purge empties {what}", ran, told)
        gone = not s.there("/etc/systemd/system/reeve.service.d") and not s.there(LINK)
        s.check("and takes what comes behind it", gone)


def status(s):
    return s.room.run("dpkg-query -W -f '${db:Status-Status}' reeve 2>/dev/null || true")


def broken_systemd(s):
    """A restart or a stop that fails is told, and dpkg goes on; afterwards it is installed as before."""
    broken = s.with_broken_systemd()
    said = s.install("newer", **broken)
    s.check("a restart that fails leaves it installed", status(s) == "installed", status(s))
    s.check("a restart that fails is told", "it was not started again" in said, said)
    said = s.room.run("dpkg -r reeve", **broken)
    s.check("a stop that fails leaves it removed", status(s) == "config-files", status(s))
    s.check("a stop that fails is told", "it was not stopped" in said, said)
    s.room.run(f"rm -r {BROKEN} /run/systemd/system")
    s.install("deb")


def running_service(s):
    """The service is started again by an upgrade, in both kinds of packages, and stopped before its files go."""
    recording = s.with_recording_systemd()
    s.install("deb", **recording)
    s.asked()
    s.install("newer", **recording)
    asked = s.asked()
    s.check("an upgrade of the .deb restarts what runs", "try-restart reeve.service" in asked, asked)
    s.room.run("dpkg -r reeve", **recording)
    asked = s.asked()
    s.check("its removal stops the service and the timer", "stop reeve-again.timer reeve.service" in asked, asked)
    s.check("and leaves no folder of its root", not s.there("/usr/lib/reeve"))
    s.room.run("dpkg -P reeve", **recording)
    s.room.run(f"rpm -i --nodeps /tmp/{s.packages['rpm'].name}", **recording)
    s.asked()
    s.room.run(f"rpm -U --nodeps /tmp/{s.packages['newer rpm'].name}", **recording)
    asked = s.asked()
    s.check("an upgrade of the .rpm restarts what runs", "try-restart reeve.service" in asked, asked)
    s.room.run("mkdir -p /usr/lib/reeve/root/run/credentials")  # as systemd does
    s.room.run("rpm -e --nodeps reeve", **recording)
    asked = s.asked()
    s.check(
        "its removal stops the service and the timer",
        {"--no-reload disable --now reeve.service", "stop reeve-again.timer"} <= set(asked),
        asked,
    )
    s.check("and leaves no folder of its root, systemd's neither", not s.there("/usr/lib/reeve"))
    s.room.run(f"rm -r {BROKEN} {RECORDING} /run/systemd/system")


def rpm(s):
    """Debian's rpm has a database of its own, so what it requires is told apart from what is there."""
    name = s.packages["rpm"].name
    needs = s.room.run(f"rpm -qp --requires /tmp/{name}").split("\n")
    s.check("the .rpm wants a libc of 2.34 or newer", "glibc >= 2.34" in needs, needs)
    s.room.run(f"rpm -i --nodeps /tmp/{name}")
    s.check("the .rpm brings every file and rpm finds them whole", s.room.run("rpm -V --nodeps reeve") == "")
    s.check("its program runs", s.version() == "reeve 0.1.0", s.version())
    s.check("its user is there", "reeve" in s.room.run("getent passwd reeve || true"))
    s.write_state()
    s.room.run(f"rpm -U --nodeps /tmp/{s.packages['newer rpm'].name}")
    s.check("an upgrade leaves state", s.version() == "reeve 0.2.0" and s.keeps_state(), s.version())
    s.room.run(f"rpm -U --nodeps --oldpackage /tmp/{name}")
    s.check("a downgrade leaves state", s.version() == "reeve 0.1.0" and s.keeps_state(), s.version())
    s.room.run("rpm -e --nodeps reeve")
    s.check("a removal takes the program and leaves state", not s.there("/usr/bin/reeve") and s.keeps_state())


def same_tree(s):
    """Whatever brings it, the same files."""
    s.room.run(f"mkdir -p /tmp/a /tmp/b; dpkg-deb -x /tmp/{s.packages['deb'].name} /tmp/a")
    s.room.run(f"cd /tmp/b && rpm2cpio /tmp/{s.packages['rpm'].name} | cpio -id --quiet")
    a, b = (s.room.run(f"cd /tmp/{x} && find . -type f {OWN} -exec sha256sum {{}} + | sort -k 2") for x in "ab")
    tar = subprocess.run(["tar", "-tzf", s.packages["tar"]], capture_output=True, text=True, check=True).stdout
    names = [n for n in tar.splitlines() if not n.endswith(("/", "/LICENSE", "/_reeve"))]
    names = sorted("." + n[n.index("/") :] for n in names)
    s.check(".deb and .rpm hold the same files", a == b and len(a) > 0)
    s.check(".tar.gz holds them too", names == [line.split("  ")[1] for line in a.splitlines()], names)
    bill = json.loads((s.room.folder / "tmp/a/usr/share/doc/reeve/reeve.cdx.json").read_text())
    s.check("the bill of materials is in them", {c["name"] for c in bill["components"]} >= {"curl", "openssl"})


def linters(s):
    """That each has looked shows in what it says: the overrides of the one, the last line of the other."""
    s.room.run("apt-get install -q -y --no-install-recommends lintian rpmlint")
    deb, rpm = (s.packages[kind].name for kind in ("deb", "rpm"))
    ran, told = s.told(f"lintian --allow-root --fail-on none --show-overrides --tag-display-limit 0 /tmp/{deb} 2>&1")
    s.check("lintian has looked", ran and "O: reeve: embedded-library" in told, told)
    faults = [line for line in told.splitlines() if re.match(r"[EW]: |(warning|error|internal error)\b", line)]
    s.check("lintian finds nothing wrong", not faults, "\n" + "\n".join(faults))
    ran, told = s.told(f"rpmlint -r /tmp/rpmlint.conf /tmp/{rpm} 2>&1")
    s.check("rpmlint has looked", ran and RPMLINT_CLEAN in told, told)
    faults = [line for line in told.splitlines() if re.search(r": [EW]: ", line)]
    s.check("rpmlint finds nothing wrong", not faults, "\n" + "\n".join(faults))


def main():
    folder, first, newer = (pathlib.Path(p) for p in sys.argv[1:4])
    room.must_be_root([sys.executable, *sys.argv])
    packages = {
        "deb": (first, "*.deb"),
        "rpm": (first, "*.rpm"),
        "tar": (first, "*.tar.gz"),
        "newer": (newer, "*.deb"),
        "newer rpm": (newer, "*.rpm"),
    }
    s = Story(folder, {name: next(where.glob(pattern)) for name, (where, pattern) in packages.items()})
    s.begin()
    for part in (debian, purge_of_what_lies_elsewhere, rpm, running_service, same_tree, linters):
        part(s)
    print(f"{s.passed} passed, {s.failed} failed")
    return 1 if s.failed else 0


if __name__ == "__main__":
    sys.exit(main())
