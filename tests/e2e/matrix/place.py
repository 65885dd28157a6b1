"""A stage whose agent lives in a place of its own: names, the system's certificates and its clock are the test's to change.

The agent finds AWS by a name, over TLS, and believes in what its system believes in. To it /etc/hosts, /etc/resolv.conf and the
bundle of certificates are files of this stage (a mount namespace), and the time that has passed is what really passed and what
the test adds (tests/tools/preload/moved_clock.c). Needs root, or sudo without a password."""

import mmap
import os
import pathlib
import pwd
import re
import signal
import struct
import subprocess

from tests.peers import moto, process
from tests.peers.stage import AGENT_USER, VENDOR_HOST, Stage, is_root, sudo
from tests.vendor import keys

REPO = pathlib.Path(__file__).resolve().parents[3]
AWS_HOST = "aws.demo.example"
DISK = "64m"  # of the agent's state
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
ENTER = (
    'for at in hosts resolv.conf bundle; do case $at in bundle) to="$2" ;; *) to=/etc/$at ;; esac;'
    ' mount --bind "$1/$at" "$to" || exit; done; shift 2; exec "$@"'
)


class Clock:
    """How far ahead the agent's clocks are, the wall's excepted."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(struct.pack("=q", 0))
        with open(path, "r+b") as f:
            self.at = mmap.mmap(f.fileno(), 8)

    def move(self, seconds):
        ms = struct.unpack("=q", self.at)[0] + int(seconds * 1000)
        self.at[:] = struct.pack("=q", ms)


class Place(Stage):
    def __init__(self, folder, binary, **options):
        super().__init__(folder, binary, **options)
        self.etc, self.tls = self.dir / "place", self.dir / "peers/aws-tls"
        self.etc.mkdir()
        self.filler = None
        subprocess.run(sudo("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", self.dir / "state"), check=True)
        self.clock = Clock(self.dir / "place/clock")
        self.names()
        (self.etc / "resolv.conf").write_text("nameserver 127.0.0.9\noptions timeout:1 attempts:1\n")  # nobody is there
        self.certificate()
        self.believe()

    # ---- names and certificates ----

    def names(self, *gone):
        """In place: a mount is of the file, not of its name."""
        known = [name for name in (AWS_HOST, VENDOR_HOST) if name not in gone]
        (self.etc / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in known))

    def certificate(self, name=AWS_HOST, **how):
        """AWS's from now on, by an authority of its own; the authority."""
        (self.tls / "server.key").unlink(missing_ok=True)
        keys.new_certificate(self.tls, [name], **how)
        return (self.tls / "ca.pem").read_text()

    def believe(self, *more):
        (self.etc / "bundle").write_text((self.tls / "ca.pem").read_text() + "".join(more))

    # ---- AWS ----

    def start(self, say=lambda text: None):
        super().start(say)
        self.moto.authorize(on=False)
        iam, every = self.moto.client("iam"), {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam.create_user(UserName="owner")
        iam.put_user_policy(UserName="owner", PolicyName="all", PolicyDocument=moto.document(every))
        self.owner_keys = iam.create_access_key(UserName="owner")["AccessKey"]
        self.moto.authorize()
        return self

    def owner(self, service):
        """Of the account: for what happens to it from outside."""
        return self.moto.client(service, self.owner_keys)

    def start_aws(self, say=lambda text: None):
        self.aws_port = process.free_port()
        super().start_aws(say)
        process.stop(self.peers.pop())  # what the stage starts speaks no TLS
        self.aws_start()

    def aws_start(self):
        self.start_peer(
            *("tests.peers.fault_proxy", "--listen", f"127.0.0.1:{self.aws_port}", "--upstream", self.moto.url),
            *("--dir", self.proxy_dir, "--tls", self.tls),
        )
        self.aws_process = self.peers[-1]
        self.proxy_url = f"https://{AWS_HOST}:{self.aws_port}"

    def aws_restart(self):
        """All connections are ended; rules that stand are counted anew."""
        self.peers.remove(self.aws_process)
        process.stop(self.aws_process)
        self.aws_process.stdout.close()
        (self.proxy_dir / "held").unlink(missing_ok=True)
        self.aws_start()

    # ---- the agent ----

    def write_config(self):
        super().write_config()
        text = self.config.read_text().replace(
            f"url: https://{VENDOR_HOST}", f"url: https://{VENDOR_HOST}:{self.vendor_port}"
        )
        self.config.write_text("log: {level: debug}\n" + re.sub(r"  connect_to: .*\n", "", text))

    def command(self, *words, env):
        """As the agent's user, in the place."""
        who = pwd.getpwnam(AGENT_USER)
        there = ("unshare", "-m", "sh", "-c", ENTER, "sh", self.etc, BUNDLE)
        user = ("setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups")
        return sudo(*there, *user, "env", "-i", *(f"{k}={v}" for k, v in env.items()), *words)

    def agent_start(self, **more_env):
        self.agent_starts += 1
        env = {"PATH": "/usr/bin:/bin", "MOVED_CLOCK": self.etc / "clock"} | more_env
        env["LD_PRELOAD"] = REPO / "build/tests/tools/preload/moved_clock.so"
        command = self.command(self.binary, "run", "-c", self.config, env=env)
        with open(self.dir / "peers/agent.log", "ab") as log, process.interrupt_blocked():
            self.agent = subprocess.Popen(command, stderr=log, stdout=log, cwd="/")

    def log(self, since=0):
        """What has been written from that byte on; the whole is long by the last row."""
        with open(self.dir / "peers/agent.log", "rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")

    def log_bytes(self):
        return (self.dir / "peers/agent.log").stat().st_size

    def agent_pid(self):
        """Of the agent itself: all that stands before it is replaced by it, but for sudo."""
        if is_root():
            return self.agent.pid
        child = subprocess.run(["pgrep", "-P", str(self.agent.pid)], capture_output=True, check=True, text=True)
        return int(child.stdout.split()[0])

    def agent_size(self):
        """(KiB in memory, open descriptors)"""
        pid = self.agent_pid()
        kib = re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        listed = subprocess.run(sudo("ls", f"/proc/{pid}/fd"), capture_output=True, check=True, text=True)
        return int(kib[1]), len(listed.stdout.split())

    def agent_ends(self, number=signal.SIGTERM):
        """The exit status; of a SIGKILL, too."""
        self.agent_signal(number)
        status = self.agent.wait(30)
        self.agent = None
        return status

    # ---- its disk ----

    def fill(self):
        """To the last byte, and again whenever something is given up, until it is freed."""
        until = self.etc / "filling"
        until.touch()
        filling = f"while [ -e {until} ]; do cat /dev/zero >>{self.dir}/state/filler; sleep 0.02; done 2>/dev/null"
        self.filler = subprocess.Popen(sudo("sh", "-c", filling))
        process.wait_for(lambda: os.statvfs(self.dir / "state").f_bavail == 0, 30, "a full disk")

    def free(self):
        (self.etc / "filling").unlink(missing_ok=True)
        if self.filler is not None:
            self.filler.wait()
            self.filler = None
        subprocess.run(sudo("rm", "-f", self.dir / "state/filler"), check=True)

    def inside(self, *command):
        """Among the mounts that the agent sees."""
        subprocess.run(sudo("nsenter", "-t", str(self.agent_pid()), "-m", *command), check=True)

    def read_only(self):
        state = self.dir / "state"
        self.inside("mount", "--bind", state, state)
        self.inside("mount", "-o", "remount,bind,ro", state)

    def writable(self):
        self.inside("umount", "-l", self.dir / "state")

    def mend(self):
        """What a row that failed has left broken: the next one finds all in order."""
        self.rules()
        self.names()
        self.free()
        for name in ("held", "release"):
            (self.proxy_dir / name).unlink(missing_ok=True)
        if self.agent is not None and self.agent.poll() is not None:
            self.agent = None
        if self.agent is None:
            self.agent_start()

    def remove(self):
        subprocess.run(sudo("umount", "-l", self.dir / "state"), check=False)
        super().remove()
