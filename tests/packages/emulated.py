"""The packages for another processor (make package-arm64), under qemu-user in the room that they were made in: what they
are, what their program says and does there, and some unit tests, cross-built by the release's own flags."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "deploy/release"), str(REPO / "tests")]
import arch
import release
import room
import run
import story

# What depends on the processor most: bytes, digests, signatures, compression, and what is on disk.
UNITS = ["base/test_*.c", "io/test_journal*.c", "aws/test_sigv4.c"]
CONFIG = """installation: inst-1
vendor: {name: velodb, url: "https://control.example"}
aws: {imds_endpoint: "http://127.0.0.1:9"}
insecure: true
trust:
  keys:
    - {name: c, role: command, public_key: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=}
    - {name: r, role: release, public_key: PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=}
    - {name: h, role: head, public_key: /FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=}
state: {dir: /var/lib/reeve}
socket: /run/reeve.sock
"""
POLICY = "commands: {warehouse.apply: auto}\n"
# Mounts that end with the program, and no network: nothing is left in the room, and no metadata service can answer.
ENTER = 'mount -t proc proc "$0/proc"; mount -t devpts devpts "$0/dev/pts"; exec chroot "$0" env -i -C "$@"'
ALONE = ["unshare", "--mount", "--net", "sh", "-ec", ENTER]
PROGRAM = "/tmp/a/usr/bin/reeve"  # out of the .deb, by story.same_tree
NOWHERE_S, END_S = 60, 20


class Machine(story.Story):
    def begin(self):
        here = self.room
        here.run(f"apt-get install -q -y --no-install-recommends cpio {here.target.package('libcmocka-dev')}")
        here.run("rm -rf /tmp/a /tmp/b /var/lib/reeve && mkdir -p /etc/reeve")
        for package in self.packages.values():
            shutil.copy(package, here.folder / "tmp")
        data = pathlib.Path(os.environ.get("REEVE_SHARED", REPO.parent / "shared/data"))
        if data.is_dir():  # the published vectors; where they are not, the units that want them say so
            shutil.copytree(data, here.folder / "src/shared/data", dirs_exist_ok=True)
        (here.folder / "etc/reeve/reeve.yaml").write_text(CONFIG)
        (here.folder / "etc/reeve/policy.yaml").write_text(POLICY)

    def command(self, program, *words):
        """As on a machine: with /proc, and with terminals."""
        inside = ["/src/reeve", "PATH=/usr/bin:/bin", *self.room.target.runner, program, *words]
        return [*ALONE, str(self.room.folder), *inside]

    def says(self, *words):
        done = subprocess.run(self.command(PROGRAM, *words), capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr


def names(s):
    target = s.room.target
    said = s.room.run(f"dpkg-deb -f /tmp/{s.packages['deb'].name} Architecture").strip()
    s.check(f"the .deb is for {target.debian}", said == target.debian, said)
    said = s.room.run(f"rpm -qp --qf '%{{arch}}' /tmp/{s.packages['rpm'].name}")
    s.check(f"the .rpm is for {target.name}", said == target.name, said)
    s.check(f"the .tar.gz has {target.name} in its name", f"-linux-{target.name}.tar.gz" in s.packages["tar"].name)
    found = arch.of_program(s.room.folder / PROGRAM.lstrip("/"))
    s.check("their program is for it, too", found == target, found.name)


def words(s):
    """Without a daemon."""
    s.check("reeve version says which", s.says("version") == (0, "reeve 0.1.0\n", ""), s.says("version"))
    code, said, _ = s.says("version", "--libraries")
    s.check("reeve version --libraries names what is linked", code == 0 and " openssl 3.0." in said, said)
    code, said, wrong = s.says("check-config", "/etc/reeve/reeve.yaml")
    s.check("reeve check-config takes a good file", code == 0 and ": ok, installation inst-1" in said, said + wrong)
    code, _, wrong = s.says("check-config", "/usr/share/doc/reeve/examples/reeve.yaml")
    s.check("and tells what is wrong with a bad one", code == 1 and "reeve.yaml" in wrong, wrong)
    code, said, wrong = s.says("iam", "agent")
    s.check("reeve iam prints the document of this clone", said == (REPO / "deploy/iam/agent.json").read_text(), wrong)


def daemon(s):
    """It asks who it is, nobody answers, it says when it asks again; told to end, it ends."""
    log = s.room.folder.parent / "daemon.log"
    with log.open("wb") as out:
        child = subprocess.Popen(s.command(PROGRAM, "run", "-c", "/etc/reeve/reeve.yaml"), stdout=out, stderr=out)
    end = time.monotonic() + NOWHERE_S
    while log.read_text().count("identity.failed") < 2 and child.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    said = log.read_text()
    s.check("the daemon asks again while nobody says who it is", said.count("retry_in_ms=") >= 2, said)
    s.check("and goes on", child.poll() is None, said)
    child.terminate()
    try:
        code = child.wait(END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        code = child.wait()
    s.check("told to end, it ends and has done so well", code == 0, f"{code}\n{log.read_text()}")
    kept = s.room.run("ls /var/lib/reeve/journal || true")
    s.check("its journal is there", ".jsonl" in kept, log.read_text())
    code, said, wrong = s.says("journal", "verify", "-c", "/etc/reeve/reeve.yaml")
    s.check("and whole", code == 0, said + wrong)


def units(s):
    """{name: command} of the unit tests, which are built here."""
    found = [str(p.relative_to(REPO).with_suffix("")) for one in UNITS for p in sorted((REPO / "tests/unit").glob(one))]
    print(f"  BUILD {len(found)} unit tests for {s.room.target.name}", flush=True)
    release.compiled(s.room, " ".join(f"build/static/{name}" for name in found), "0.1.0")
    return [f"{name.removeprefix('tests/')}={shlex.join(s.command(f'build/static/{name}'))}" for name in found]


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    room.must_be_root([sys.executable, *sys.argv])
    target = arch.of_program(folder / "reeve")
    kinds = {"deb": "*.deb", "rpm": "*.rpm", "tar": "*.tar.gz"}
    s = Machine(folder / "room", {kind: next((folder / "package").glob(x)) for kind, x in kinds.items()}, target)
    s.begin()
    for part in (story.same_tree, names, words, daemon):
        part(s)
    run.LOG = folder / "log"
    run.LOG.mkdir(exist_ok=True)
    jobs = run.Run(units(s))
    jobs.total["passed"], jobs.total["failed"] = s.passed, s.failed
    return jobs.all() or (1 if s.failed else 0)


if __name__ == "__main__":
    sys.exit(main())
