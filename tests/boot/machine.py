"""A machine that boots: a Debian 12 with systemd and cloud-init in a container of systemd-nspawn, on a disk of its own.

    image = Image(folder)               # made once, about two minutes; kept
    with Machine(folder, image) as m:   # a layer over the image: what it writes is gone with it
        m.put("/etc/reeve/reeve.yaml", text)
        m.boot()
        m.until("Reached target", 60)   # of its console
        m.inside("systemctl", "is-active", "reeve.service")

Whoever makes machines stands in a network namespace of his own (enter_network): the machine's cable ends there, and what it
takes for the metadata service, AWS and the vendor are addresses of that end. Root alone can do all this.
"""

import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "deploy/release"))
import room

PACKAGES = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "cloud-init",
    "openssl",
    "curl",
    "iproute2",
    "procps",
    "python3-cffi-backend",
]
NEAR, FAR = "10.77.0.1", "10.77.0.2"  # our end of the cable; the machine's
METADATA = "169.254.169.254"
CLONE_NEWNET = 0x40000000
NETWORK = f"""[Match]
Name=host0
[Network]
Address={FAR}/24
DHCP=no
LinkLocalAddressing=no
[Route]
Destination={METADATA}/32
Scope=link
"""
# The container is no EC2 instance to whom asks its firmware: cloud-init is told where its metadata comes from.
CLOUD = """datasource_list: [Ec2]
datasource: {Ec2: {strict_id: false, max_wait: 30, timeout: 5}}
cloud_init_modules: [seed_random, write-files]
cloud_config_modules: []
cloud_final_modules: [scripts-per-boot, scripts-user, final-message]
network: {config: disabled}
preserve_hostname: true
"""


def run(*command, **how):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **how
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(str(c) for c in command)}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return done.stdout


def enter_network():
    """A network of this process's own, where nothing is but its loopback."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare: a network namespace of its own; are you root?")
    run("ip", "link", "set", "lo", "up")


def clear(place):
    """An empty folder for a story, whatever a run that was killed has left there."""
    for left in sorted(place.glob("machine/root")) + [place / "machine/state"]:
        subprocess.run(["umount", "-l", left], capture_output=True, check=False)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)


class Image:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        if not (self.folder / "etc/reeve-image").exists():
            self.make()

    def make(self):
        made = room.Room(self.folder)
        made.make(PACKAGES)
        (self.folder / "etc/systemd/network/10-host0.network").write_text(NETWORK)
        (self.folder / "etc/cloud/ds-identify.cfg").write_text("policy: enabled\n")
        (self.folder / "etc/hostname").write_text("machine\n")
        made.run("systemctl enable systemd-networkd.service systemd-networkd-wait-online.service")
        made.run("systemctl mask systemd-resolved.service apt-daily.timer apt-daily-upgrade.timer || true")
        # Only its unit, to compare ours with.
        made.run(
            "cd /tmp && apt-get download -q redis-server && install -d /usr/share/reeve-test && dpkg-deb --fsys-tarfile redis-server*"
            " | tar -xO ./lib/systemd/system/redis-server.service >/usr/share/reeve-test/redis-server.service && rm redis-server*"
        )
        made.run("rm -f /etc/machine-id && touch /etc/machine-id /etc/reeve-image")


class Machine:
    def __init__(self, folder, image, name="reeve-boot"):
        self.folder, self.image, self.name = pathlib.Path(folder), image, name
        self.root = self.folder / "root"
        self.end = f"ve-{name}"[:15]  # of its cable, on our side
        self.process = None
        self.boots = 0

    def __enter__(self):
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        layers = f"lowerdir={self.image.folder},upperdir={self.folder}/upper,workdir={self.folder}/work"
        run("mount", "-t", "overlay", "overlay", "-o", layers, self.root)
        self.put("/etc/cloud/cloud.cfg.d/99-boot.cfg", CLOUD)
        self.disk = room.Room(self.root)
        self.disk.log = self.folder / "disk.log"
        return self

    def __exit__(self, *exc):
        self.kill()
        run("umount", "-l", self.root)
        for name in ("upper", "work"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    # ---- its disk ----

    def put(self, path, text, mode=0o644):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        target.chmod(mode)

    def get(self, path):
        return (self.root / path.lstrip("/")).read_text()

    # ---- its life ----

    def boot(self, *more, cable=True):
        """more: further options of systemd-nspawn."""
        self.boots += 1
        self.console = self.folder / f"console-{self.boots}.log"
        command = ["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.name}", "--register=no"]
        command += ["--keep-unit", "--network-veth", "--boot", "--console=read-only", *more]
        self.begun = time.monotonic()
        with self.console.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.wait(self.has_end, 20, self.end)
        if cable:
            run("ip", "address", "add", f"{NEAR}/24", "dev", self.end)
            run("ip", "address", "add", f"{METADATA}/32", "dev", self.end)
            run("ip", "link", "set", self.end, "up")
        self.leader = self.wait(self.find_leader, 20, "the first process of the machine")

    def has_end(self):
        return subprocess.run(["ip", "link", "show", self.end], capture_output=True, check=False).returncode == 0

    def find_leader(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def said(self):
        return self.console.read_bytes().decode(errors="replace").replace("\r", "")

    def until(self, pattern, seconds):
        """Waits until the console shows it; the match."""
        return self.wait(lambda: re.search(pattern, self.said(), re.MULTILINE), seconds, f"{pattern!r} on the console")

    def wait(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.2)
        tail = "\n".join(self.said().splitlines()[-15:]) if self.process else ""
        raise TimeoutError(f"after {seconds} s there was no {what}; the console ends:\n{tail}")

    def ask(self, *command, timeout=60):
        """(status, output) of a command in the running machine."""
        where = [
            "nsenter",
            f"--target={self.leader}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--root",
            "--wd=/",
        ]
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_PAGER": "", "COLUMNS": "200"}
        done = subprocess.run([*where, *command], capture_output=True, text=True, check=False, timeout=timeout, env=env)
        return done.returncode, done.stdout + done.stderr

    def inside(self, *command, timeout=60):
        status, output = self.ask(*command, timeout=timeout)
        if status != 0:
            raise RuntimeError(f"in the machine {' '.join(command)}: {status} {output[-1500:]}")
        return output.strip()

    def has_ended(self, seconds):
        """It has switched itself off within that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.2)
        return self.process.poll() is not None

    def off(self, seconds=60):
        """Orderly, as ACPI does it."""
        os.kill(self.leader, signal.SIGRTMIN + 4)
        if not self.has_ended(seconds):
            self.kill()
            raise TimeoutError(f"it was not off after {seconds} s")
        self.process = None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(
            ["ip", "link", "delete", self.end], capture_output=True, check=False
        )  # its processes may hold it a while
        self.process = None
