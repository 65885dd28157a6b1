"""A stage: the real agent with everything it talks to, on loopback, in a folder of its own.

    with Stage(folder, binary) as stage:
        stage.agent_start()
        id = stage.vendor("apply", spec, "-q")
        stage.wait_result(id)

In the folder: bin/reeve (a copy), etc/ (reeve.yaml, policy.yaml, ca.pem: not the agent's to write), state/ and run/ (the
agent's), app/ (an application's log), peers/{imds,proxy,vendor,keys}/. The agent runs as `nobody` where that can be had
(root, or sudo without a password), because a policy that its own user could write counts as none.
"""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time

from tests.peers import moto, process, web
from tests.peers.spool import batch_ids

VENDOR_HOST = "control.demo.example"
INSTALLATION = "inst-1"
ROLE = "velodb-role-inst-1"
AGENT_USER = "nobody"


def is_root():
    return os.geteuid() == 0


def may_be_root():
    return is_root() or subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def sudo(*command):
    """As root, however that is to be had."""
    return list(command) if is_root() else ["sudo", "-n", *command]


def generated_iam(binary, which, *more, installation=INSTALLATION):
    """What the binary generates, CloudFormation's placeholders filled in as a stack would: of agent a document, of operate one
    for each power."""
    text = subprocess.run([binary, "iam", which, *more], capture_output=True, text=True, check=True).stdout
    names = {
        "AWS::Partition": "aws",
        "AWS::AccountId": moto.ACCOUNT,
        "AWS::Region": moto.REGION,
        "AWS::URLSuffix": "amazonaws.com",
    }
    for name, value in (names | {"Vendor": "velodb", "Installation": installation, "VpcId": "*"}).items():
        text = text.replace("${" + name + "}", value)
    return json.loads(text)


class Stage:
    rule_sets = 0  # of the fault proxy

    def __init__(self, folder, binary, installation=INSTALLATION, **options):
        """Options: account (what the vendor registered), trust (folder of keys the agent trusts), policy (text),
        agent_policy (an IAM document) and operate_policy (such documents by their names), log_paths, proxy (HOST:PORT, by
        which the vendor is reached)."""
        self.dir = pathlib.Path(folder)
        self.installation, self.role = installation, f"velodb-role-{installation}"
        self.options = options
        self.moto = None
        self.peers = []
        self.agent = None
        self.cut_off = set()  # ids of bodies that lay in the spool at a kill -9
        self.agent_starts = 0
        for name in ("bin", "etc", "app", "peers/imds", "peers/proxy", "peers/vendor", "state", "run"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o755)
        self.binary = self.dir / "bin/reeve"
        shutil.copy(binary, self.binary)
        self.imds_dir, self.proxy_dir, self.vendor_dir = (self.dir / "peers" / n for n in ("imds", "proxy", "vendor"))
        self.keys_dir = self.dir / "peers/keys"
        self.config = self.dir / "etc/reeve.yaml"

    # ---- peers ----

    def start(self, say=lambda text: None):
        self.moto = moto.Moto()
        say(f"moto on {self.moto.url}")
        self.aws = moto.seed(self.moto, self.iam("agent"), self.iam("operate"), role=self.role)
        self.start_aws(say)
        self.make_keys()
        self.register()
        self.vendor_port = process.free_port()
        self.vendor_start()
        say(f"vendor plane on https://{VENDOR_HOST} (connect to 127.0.0.1:{self.vendor_port})")
        self.write_files()
        return self

    def start_aws(self, say=lambda text: None):
        """The metadata service of the agent's machine, and a proxy of its own in front of moto."""
        keys, instance = moto.metadata(self.aws)
        web.write_json(self.imds_dir / "keys.json", keys)
        web.write_json(self.imds_dir / "instance.json", instance)
        self.imds_url = self.start_peer("tests.peers.imds", "--port", 0, "--dir", self.imds_dir)
        say(f"metadata service on {self.imds_url}")
        self.proxy_url = self.start_peer(
            "tests.peers.fault_proxy", "--listen", "127.0.0.1:0", "--upstream", self.moto.url, "--dir", self.proxy_dir
        )
        say(f"fault proxy on {self.proxy_url}, in front of moto")

    def write_files(self):
        self.write_config()
        self.write_policy(self.options.get("policy") or self.default_policy())
        self.give_agent("state", "run")

    def iam(self, which):
        given = self.options.get(f"{which}_policy")
        if given is not None:
            return given
        return generated_iam(self.binary, which, installation=self.installation)

    def start_peer(self, *args):
        with process.interrupt_blocked():
            peer = process.start_python(*args, stdout=subprocess.PIPE)
            self.peers.append(peer)
        line = peer.stdout.readline().decode().strip()
        if not line.startswith("listening on "):
            raise RuntimeError(f"{args[0]} did not start: {line!r}")
        return line.removeprefix("listening on ")

    def make_keys(self):
        self.vendor_run("keys", "new", self.keys_dir)
        self.vendor_run("keys", "tls", self.keys_dir, VENDOR_HOST)

    def register(self):
        account, region = self.options.get("account", self.aws["account"]), self.aws["region"]
        self.vendor("register", self.installation, "--account", account, "--region", region, "--role", self.role)

    def vendor_run(self, *args):
        command = [sys.executable, "-m", "tests.vendor", *(str(a) for a in args)]
        run = subprocess.run(command, cwd=process.REPO, capture_output=True, check=False, text=True)
        if run.returncode not in (0, 1, 3):
            raise RuntimeError(f"vendor {' '.join(str(a) for a in args)}: {run.stderr.strip()}")
        return run

    def vendor(self, *args):
        """The vendor's command line for this stage's installation; its output, or RuntimeError with what it said. A command is bound
        to the role that logs in, so of an agent that has been started the login is waited for."""
        if args[0] in ("apply", "delete") and self.agent_starts > 0:
            self.wait_login()
        run = self.vendor_run("--data", self.vendor_dir, "--installation", self.installation, *args)
        if run.returncode != 0:
            raise RuntimeError(f"vendor {args[0]}: {run.stderr.strip() or run.stdout.strip()}")
        return run.stdout.strip()

    def vendor_start(self, certificate=None):
        """`certificate`: a folder with server.pem and server.key; the first one's unless given."""
        chain = certificate or self.keys_dir
        sts = f"{self.aws['region']}={self.moto.url}"
        self.start_peer(
            *("tests.vendor", "--data", self.vendor_dir, "serve", "--listen", f"127.0.0.1:{self.vendor_port}"),
            *("--cert", chain / "server.pem", "--key", chain / "server.key"),
            *("--head-key", self.keys_dir / "head.key", "--sts", sts, "--audience", VENDOR_HOST),
        )
        self.vendor_process = self.peers[-1]

    def vendor_kill(self):
        self.vendor_process.send_signal(signal.SIGKILL)
        self.vendor_process.wait()
        self.peers.remove(self.vendor_process)

    # ---- the agent's files ----

    def write_config(self):
        shutil.copy(self.keys_dir / "ca.pem", self.dir / "etc/ca.pem")
        trust = (self.options.get("trust") or self.keys_dir) / "trust.yaml"
        logs = self.options.get("log_paths", [f"{self.dir}/app/app.log"])
        lines = [
            f"installation: {self.installation}",
            "insecure: true",
            "vendor:",
            "  name: velodb",
            f"  url: https://{VENDOR_HOST}",
            self.way(),
            f"  ca_file: {self.dir}/etc/ca.pem",
            "aws:",
            f"  imds_endpoint: {self.imds_url}",
            "  endpoints:",
            *(f"    {name}: {self.proxy_url}" for name in ("ec2", "sts", "elasticloadbalancing")),
            "state:",
            f"  dir: {self.dir}/state",
            f"socket: {self.dir}/run/reeve.sock",
            "poll:",
            "  idle: 2s",
            "  busy: 500ms",
            "telemetry:",
            "  host_metrics:",
            "    interval: 2s",
            "  logs:",
            *(f"    - path: {path}\n      service: doris-be" for path in logs),
        ]
        self.config.write_text("\n".join(lines) + "\n" + trust.read_text())

    def way(self):
        """To the vendor, whose name nobody can look up."""
        if self.options.get("proxy"):
            return f"  proxy: http://{self.options['proxy']}"
        return f'  connect_to: "127.0.0.1:{self.vendor_port}"'

    def default_policy(self, apply="auto", delete="auto", warehouses=("wh-1",)):
        return (
            f"commands:\n  warehouse.apply: {apply}\n  warehouse.delete: {delete}\n"
            "  cluster.reboot: auto\n  nodes.replace: auto\n  warehouse.upgrade: auto\nbounds:\n  instance_types: [r6i.xlarge, r6i.2xlarge]\n  nodes_per_cluster: 4\n  nodes_total: 8\n  volume_gib: 200\n"
            f"  images: [{self.aws['image_id']}]\n  subnets: [{', '.join(self.aws['subnet_ids'])}]\n"
            f"  volumes_per_node: 1\n  volume_types: [gp3]\n  balancers: 1\n  tag_keys: [sdb-cluster-id]\n"
            f"  warehouses: [{', '.join(warehouses)}]\n"
            "  cidrs: [10.0.0.0/16]\n  ports: [8000-10000]\ndelete_hold: 0s\n"
            f'export:\n  metrics: ["system.*", "reeve.*"]\n  logs: ["{self.dir}/app/*"]\n'
            "  redact:\n    - name: aws-key\n      pattern: '(?:ASIA|AKIA)[A-Z0-7]{16}'\n"
        )

    def write_policy(self, text):
        self.replace("policy.yaml", text)

    def replace(self, name, text):
        """A file of etc/, old or new at each moment."""
        path = self.dir / "etc" / name
        path.with_suffix(".new").write_text(text)
        os.replace(path.with_suffix(".new"), path)

    def give_agent(self, *names):
        self.give(AGENT_USER, *names)

    def give(self, user, *names):
        for name in names:
            subprocess.run(sudo("chown", "-R", user, self.dir / name), check=True)

    # ---- the agent ----

    def agent_start(self, notify=None, **more_env):
        """notify: the service manager's socket."""
        self.agent_starts += 1
        log = open(self.dir / "peers/agent.log", "ab")  # noqa: SIM115 - the child keeps it
        command = [self.binary, "run", "-c", self.config]
        env = {"PATH": "/usr/bin:/bin"} | ({"NOTIFY_SOCKET": str(notify)} if notify else {}) | more_env
        how = {"stderr": log, "stdout": log, "cwd": "/"}
        if is_root():
            who = pwd.getpwnam(AGENT_USER)
            how |= {"env": env, "user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        else:
            command = ["sudo", "-n", "-u", AGENT_USER, "env", *(f"{k}={v}" for k, v in env.items()), *command]
        with process.interrupt_blocked():
            self.agent = subprocess.Popen(command, **how)
        log.close()

    def agent_signal(self, number):
        pid = self.agent.pid
        if is_root():
            os.kill(pid, number)
            return
        child = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, check=False, text=True).stdout.split()
        subprocess.run(sudo("kill", f"-{int(number)}", *(child or [str(pid)])), check=False)

    def agent_kill(self):
        """kill -9: no goodbye. A body that lies in the spool then was cut off from its answer, and may come once more."""
        self.agent_signal(signal.SIGKILL)
        self.agent.wait()
        self.agent = None
        names = subprocess.run(sudo("ls", self.dir / "state/spool"), capture_output=True, text=True, check=False)
        self.cut_off |= batch_ids(names.stdout.split())

    def agent_stop(self, timeout_s=15):
        """SIGTERM; the exit status."""
        if self.agent is None:
            return None
        self.agent_signal(signal.SIGTERM)
        try:
            status = self.agent.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.agent_kill()
            return None
        self.agent = None
        return status

    # ---- what the peers saw ----

    def lines(self, path):
        with contextlib.suppress(FileNotFoundError):
            return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
        return []

    def calls(self, **match):
        calls = self.lines(self.proxy_dir / "calls.jsonl")
        return [c for c in calls if all(c.get(name) == value for name, value in match.items())]

    def vendor_lines(self, name):
        return self.lines(self.vendor_dir / f"{name}.jsonl")

    def journal(self):
        """The agent's records, oldest first. Its folder is closed to others: read as root."""
        run = subprocess.run(
            sudo("sh", "-c", f"cat {self.dir}/state/journal/*.jsonl"), capture_output=True, text=True, check=False
        )
        return [json.loads(line) for line in run.stdout.splitlines() if line.endswith("}")]

    def rules(self, *rules, expired_keys=()):
        """They count from now on, whoever has set the same ones before."""
        self.rule_sets += 1
        numbered = [rule | {"set": self.rule_sets} for rule in rules]
        web.write_json(self.proxy_dir / "rules.json", {"rules": numbered, "expired_keys": list(expired_keys)})

    def swap_keys(self, number):
        """The metadata service hands out another set from now on; AWS refuses the first."""
        web.write_json(self.imds_dir / "keys.json", {"role": self.role, **self.aws["keys"][number]})
        return self.aws["keys"][0]["AccessKeyId"]

    def wait_result(self, command_id, timeout_s=120):
        return process.wait_for(
            lambda: next((r for r in self.vendor_lines("results") if r["id"] == command_id), None),
            timeout_s,
            f"a result of {command_id}",
        )

    def wait_login(self, timeout_s=60):
        def login():
            events = self.vendor_lines("events")
            return [e for e in events if e["event"] == "login" and e["installation"] == self.installation]

        return process.wait_for(login, timeout_s, "the agent's first login")

    def reader(self, service):
        return self.moto.client(service, self.aws["reader"])

    # ---- end ----

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            self.agent_stop()
        for peer in reversed(self.peers):
            process.stop(peer)
            if peer.stdout:
                peer.stdout.close()
        if self.moto:
            self.moto.close()

    def remove(self):
        for _ in range(5):
            if subprocess.run(sudo("rm", "-rf", self.dir), check=False).returncode == 0:
                return
            time.sleep(0.2)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.close()


class Neighbour(Stage):
    """Another installation beside a stage's: a machine, roles, a configuration and a policy of its own, in the same VPC and at the
    same vendor."""

    def __init__(self, host, folder, installation, **options):
        super().__init__(folder, host.binary, installation, **options)
        self.host = host
        self.vendor_dir, self.keys_dir, self.vendor_port = host.vendor_dir, host.keys_dir, host.vendor_port

    def start(self, say=lambda text: None):
        self.moto = self.host.moto
        self.moto.authorize(False)
        self.aws = moto.add_installation(
            self.moto, self.host.aws, self.iam("agent"), self.iam("operate"), role=self.role
        )
        self.moto.authorize()
        self.start_aws(say)
        self.register()
        self.write_files()
        return self

    def log(self):
        return (self.dir / "peers/agent.log").read_text()

    def status(self):
        run = subprocess.run([self.binary, "status", "-c", self.config], capture_output=True, check=False, text=True)
        return run.stdout

    def close(self):
        self.moto = None  # the host's
        super().close()
